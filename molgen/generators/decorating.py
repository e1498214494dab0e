"""Decorating and growing: a part is substituted at its points, one after the other in random order.

The part, with what it has got so far, is spelled with the next point last, the model writes on, and what it wrote is
put on the part. Growing is decorating at one point, on an atom drawn among those that have a hydrogen. A point never
stays empty: the model's choice right behind the prompt is narrowed to tokens that can hang there, nothing else is
steered or repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molgen.chem.attachments import Part, Prompt, attach, holds, piece
from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core import seeds
from molgen.generators.base import Samples
from molgen.generators.prompts import Prompted, Writer, beginning, may_follow, scaffold_choices, writable


@dataclass
class _Draw:
    """A draw under way: the part as it stands, and the reason why it was given up, if it was."""

    number: int
    generator: np.random.Generator
    wanted: Part
    part: Part
    points: list[int]
    reason: str | None = None


def decorated(model: Writer, draws: np.ndarray, seed: int, how: Prompted) -> Samples:
    """Draws that contain `how.scaffold`, or null and the reason; InputError if the model cannot spell the part."""
    choices = writable(model, f"scaffold {how.scaffold!r}", scaffold_choices(how.scaffold or ""))
    made = [_start(number, choices, seed) for number in draws.tolist()]
    for turn in range(len(choices[0].points)):
        begun = [(draw, _begun(model, draw, draw.points[turn])) for draw in made if draw.reason is None]
        going = [(draw, prompt) for draw, prompt in begun if prompt is not None]
        if going:
            numbers = np.array([draw.number for draw, _ in going])
            prompts = [prompt.text for _, prompt in going]
            texts = model.draw_texts(numbers, seeds.child(seed, "point", turn), how, prompts=prompts, behind=may_follow)
            for (draw, prompt), text in zip(going, texts, strict=True):
                _put(draw, draw.points[turn], prompt, text)
    return Samples.of(map(_finished, made))


def _start(number: int, choices: Sequence[Part], seed: int) -> _Draw:
    generator = seeds.numpy_generator(seed, "part", number)
    part = choices[int(generator.integers(len(choices)))]
    return _Draw(number, generator, part, part, generator.permutation(part.points).tolist())


def _begun(model: Writer, draw: _Draw, point: int) -> Prompt | None:
    try:
        return beginning(model, draw.part, point, draw.generator)
    except BadMolecule as error:
        draw.reason = error.reason
        return None


def _put(draw: _Draw, point: int, prompt: Prompt, text: str | None) -> None:
    """Puts what was written behind the prompt on the part."""
    try:
        if text is None:
            raise BadMolecule("no end within the length")
        draw.part = attach(draw.part, point, piece(prompt, text))
    except BadMolecule as error:
        draw.reason = error.reason


def _finished(draw: _Draw) -> tuple[str | None, str | None]:
    """The molecule, judged as it will be read."""
    try:
        if draw.reason is not None:
            return None, draw.reason
        smiles = canonical(Chem.MolToSmiles(draw.part.mol))
    except BadMolecule as error:
        return None, error.reason
    return (smiles, None) if holds(parse(smiles), draw.wanted) else (None, "part not kept")
