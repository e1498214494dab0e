"""Parts that drawn molecules are to contain: what can be asked for, and its spelling as the beginning of a text.

The procedures stand in `decorating` (one part, substituted at its points) and `linking` (two parts, joined).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from pydantic import model_validator
from torch import Tensor

from molgen.chem.attachments import Part, Prompt, ending, growths, prompt, read_parts
from molgen.chem.parse import BadMolecule
from molgen.core.errors import InputError
from molgen.generators.decoding import Decoding

SPELLINGS = 16  # of a part, tried in turn where some hold tokens that the model does not know


class Prompted(Decoding):
    """Parts that each molecule is to contain, substituted at their `[*]` only."""

    scaffold: str | None = None  # with [*]: substituted at each of them; without: at one atom, drawn
    link: str | None = None  # two parts with one [*] each, as 'A.B'

    @property
    def prompted(self) -> bool:
        """Whether a part is given."""
        return self.scaffold is not None or self.link is not None

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.scaffold is not None and self.link is not None:
            raise ValueError("scaffold, link: give one of them")
        if self.prompted and self.beam:
            raise ValueError("beam: cannot begin with a given part; leave out scaffold and link")
        if self.scaffold is not None:
            scaffold_choices(self.scaffold)
        if self.link is not None:
            link_parts(self.link)
        return self


class Writer(Protocol):
    """What prompts ask of a model of SMILES."""

    def draw_texts(
        self,
        draws: np.ndarray,
        seed: int,
        how: Any = None,
        *,
        prompts: Sequence[str] | None = None,
        behind: Callable[[str], bool] | None = None,
    ) -> list[str | None]:
        """The texts of some draws; `behind` says which tokens may come right behind a prompt."""

    def log_prob(
        self,
        smiles: Sequence[str],
        *,
        spelling: str = "canonical",
        condition: Mapping[str, float] | None = None,
        given: Sequence[int] | None = None,
    ) -> Tensor:
        """Nats of each text; with `given`, of what stands behind so many tokens."""

    def refusal(self, text: str) -> str | None:
        """Why the model cannot write a text that begins so; None if it can."""


def scaffold_choices(smiles: str) -> list[Part]:
    """What a draw chooses from: the scaffold as it is marked, or marked at one atom for each that has a hydrogen."""
    parts = _read("scaffold", smiles)
    if len(parts) != 1:
        raise ValueError(f"scaffold {smiles!r}: one part is expected; `link` joins two")
    found = [parts[0]] if parts[0].points else growths(parts[0])
    if not found:
        raise ValueError(f"scaffold {smiles!r}: no atom has a hydrogen to give; nothing can be added")
    return found


def link_parts(smiles: str) -> tuple[Part, Part]:
    """The two parts to join."""
    parts = _read("link", smiles)
    if [part.points for part in parts] != [[1], [1]]:
        raise ValueError(f"link {smiles!r}: two parts with one [*] each are expected, as in '[*]c1ccccc1.[*]N1CCCC1'")
    return parts[0], parts[1]


def _read(name: str, smiles: str) -> list[Part]:
    try:
        return read_parts(smiles)
    except BadMolecule as error:
        raise ValueError(f"{name} {smiles!r}: {error}") from None


def writable(model: Writer, asked: str, parts: Sequence[Part]) -> list[Part]:
    """Those of the parts that the model can begin with at each of their points; InputError if there are none.

    `asked` names in the message what was asked for.
    """
    found, why = [], ""
    for part in parts:
        try:
            for point in part.points:
                beginning(model, part, point, np.random.default_rng(0))
            found.append(part)
        except BadMolecule as error:
            why = error.detail
    if not found:
        raise InputError(f"{asked}: {why}; give another part, or a model that was trained on such molecules")
    return found


def beginning(model: Writer, part: Part, point: int, generator: np.random.Generator) -> Prompt:
    """A spelling of the part with `point` last that the model can go on from; BadMolecule if none is found."""
    refusal: str | None = None
    for _ in range(SPELLINGS):
        begun = prompt(part, point, generator)
        refusal = model.refusal(begun.text)
        if refusal is None:
            return begun
    raise BadMolecule("part that the model cannot spell", refusal or "")


def end(model: Writer, part: Part, generator: np.random.Generator) -> str:
    """A spelling of a part that begins at its one point and that the model can write; BadMolecule if none is found."""
    refusal: str | None = None
    for _ in range(SPELLINGS):
        text = ending(part, generator)
        refusal = model.refusal(text)
        if refusal is None:
            return text
    raise BadMolecule("part that the model cannot spell", refusal or "")


def may_follow(token: str) -> bool:
    """Whether a token may come right behind a prompt: a point takes one atom by one single bond."""
    return token in {"-", "/", "\\"} or ((token[0].isalpha() or token[0] == "[") and "*" not in token)
