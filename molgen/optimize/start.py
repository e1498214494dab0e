"""Molecules to start from: those of a file in a seeded order, or draws of a model without end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from molgen.chem.parse import BadMolecule, canonical
from molgen.core import seeds
from molgen.core.errors import InputError
from molgen.scoring.source import read_smiles

CHUNK = 128  # draws at a time
BARREN = 4_096  # draws in a row without a new molecule: the model has no more


def of_file(file: Path, seed: int) -> Iterator[str]:
    """The distinct molecules of a file (canonical, one fragment) in a seeded order; an InputError if it has none."""
    texts = read_smiles(file)
    order = seeds.numpy_generator(seed, "start").permutation(len(texts))
    found = _canonical(texts[i] for i in order.tolist())
    first = next(found, None)
    if first is None:
        raise InputError(f"--start {file}: no molecules in it; a start molecule is one SMILES of one fragment a line")
    return _chained(first, found)


def of_model(model: str, seed: int) -> Iterator[str]:
    """The distinct valid draws of a model. It is loaded when the first of them is asked for."""
    from molgen.core.machine import keep_freed_memory
    from molgen.generators.folder import load_model

    keep_freed_memory()
    generator = load_model(model)
    seen: set[str] = set()
    first = barren = 0
    while barren < BARREN:
        barren += CHUNK
        for smiles in generator.sample(CHUNK, seed=seeds.child(seed, "start"), first=first).smiles:
            if smiles is not None and smiles not in seen:
                seen.add(smiles)
                barren = 0
                yield smiles
        first += CHUNK


def _canonical(texts: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        try:
            smiles = canonical(text)
        except BadMolecule:
            continue
        if smiles not in seen:
            seen.add(smiles)
            yield smiles


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
