"""Linking: two parts joined by what the model writes between them.

The model writes on behind the first part, as often as `PROPOSALS`. Every beginning of what it wrote that leaves no
branch or ring open is a linker that the second part can be put behind. One of them is drawn in proportion to the
probability of the second part, and the end, behind it: sampling importance resampling (Rubin 1988) from the model's
own distribution of texts that begin with the one part and end with the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from molgen.chem.attachments import Part, holds
from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core import seeds
from molgen.generators.base import Samples
from molgen.generators.prompts import Prompted, Writer, beginning, end, link_parts, may_follow, writable
from molgen.represent.tokens import tokenize

PROPOSALS = 8  # texts a draw whose beginnings are candidates
BATCH = 512  # texts drawn or scored at a time: memory does not grow with the number of proposals


class _Draw(NamedTuple):
    """A draw's own choice of spellings: what its texts begin and end with."""

    number: int
    generator: np.random.Generator
    begun: str
    tail: str


def linked(
    model: Writer, draws: np.ndarray, seed: int, how: Prompted, condition: Mapping[str, float] | None = None
) -> Samples:
    """Draws that contain both parts of `how.link`, or null and the reason; InputError if one cannot be spelled."""
    parts = link_parts(how.link or "")
    for part in parts:
        writable(model, f"link {how.link!r}", [part])
    started = [_start(model, number, parts, seed) for number in draws.tolist()]
    made = [draw for draw in started if isinstance(draw, _Draw)]
    candidates = _linkers(model, made, seed, how)
    nats = _nats(model, candidates, made, condition)
    found = (_choose(*one, parts) for one in zip(made, candidates, nats, strict=True))
    return Samples.of(next(found) if isinstance(draw, _Draw) else (None, draw.reason) for draw in started)


def _start(model: Writer, number: int, parts: tuple[Part, Part], seed: int) -> _Draw | BadMolecule:
    generator = seeds.numpy_generator(seed, "link", number)
    one, other = parts if generator.random() < 0.5 else parts[::-1]
    try:
        return _Draw(number, generator, beginning(model, one, 1, generator).text, end(model, other, generator))
    except BadMolecule as error:
        return error


def _linkers(model: Writer, made: Sequence[_Draw], seed: int, how: Prompted) -> list[Counter[str]]:
    """For each draw, its first part with each linker that was proposed, and how often it was."""
    numbers = np.array([draw.number * PROPOSALS + i for draw in made for i in range(PROPOSALS)])
    prompts = [draw.begun for draw in made for _ in range(PROPOSALS)]
    texts: list[str | None] = []
    for i in range(0, len(numbers), BATCH):
        batch = slice(i, i + BATCH)
        texts += model.draw_texts(
            numbers[batch], seeds.child(seed, "linker"), how, prompts=prompts[batch], behind=may_follow
        )
    found: list[Counter[str]] = [Counter() for _ in made]
    for i, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        if text is not None:
            found[i // PROPOSALS].update(prompt + linker for linker in _whole(text[len(prompt) :]))
    return found


def _whole(text: str) -> Iterator[str]:
    """The beginnings of a text that hold an atom and leave no bond, branch or ring open."""
    beginning, depth, rings, atoms = "", 0, set[str](), 0
    for token in tokenize(text):
        beginning += token
        depth += (token == "(") - (token == ")")
        if depth < 0:
            return
        if token.isdigit() or token[0] == "%":
            rings ^= {token.lstrip("%")}
        is_atom = token[0].isalpha() or token[0] == "["
        atoms += is_atom
        if not depth and not rings and atoms and (is_atom or token == ")" or token[-1].isdigit()):
            yield beginning


def _nats(
    model: Writer,
    candidates: Sequence[Counter[str]],
    made: Sequence[_Draw],
    condition: Mapping[str, float] | None,
) -> list[np.ndarray]:
    """For each draw, the log-probability of the second part and the end behind each candidate."""
    begun = [(text, draw.tail) for found, draw in zip(candidates, made, strict=True) for text in found]
    texts, given = [text + tail for text, tail in begun], [len(tokenize(text)) for text, _ in begun]
    nats = np.empty(len(texts))
    for i in range(0, len(texts), BATCH):
        batch = slice(i, i + BATCH)
        found = model.log_prob(texts[batch], spelling="random", condition=condition, given=given[batch])
        nats[batch] = found.double().cpu().numpy()
    return np.split(nats, np.cumsum([len(found) for found in candidates]))[: len(made)]


def _choose(
    draw: _Draw, candidates: Counter[str], nats: np.ndarray, parts: tuple[Part, Part]
) -> tuple[str | None, str | None]:
    """A candidate drawn by weight among those that are molecules with both parts in them."""
    # The order of perturbed log-weights is that of draws without replacement (Gumbel-max): the first good one is a
    # draw among the good ones, and the others need no look.
    weights = nats + np.log(list(candidates.values())) + draw.generator.gumbel(size=len(nats))
    texts = list(candidates)
    for i in np.argsort(-weights):
        if weights[i] > -np.inf and (smiles := _joined(texts[i] + draw.tail, parts)):
            return smiles, None
    return None, "no linker found"


def _joined(text: str, parts: tuple[Part, Part]) -> str | None:
    try:
        smiles = canonical(text)
    except BadMolecule:
        return None
    mol = parse(smiles)
    return smiles if all(holds(mol, part) for part in parts) else None
