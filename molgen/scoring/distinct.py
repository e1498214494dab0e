"""Distinct molecules of scored rows: what `rank` chooses from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.tables import MOLECULES
from molgen.core.workers import map_ordered
from molgen.scoring.source import Source

CHUNK = 1_024  # SMILES that a worker canonicalises at a time


@dataclass(frozen=True)
class Distinct:
    """A distinct molecule: its best row, and how often and where it stood."""

    smiles: str
    score: float
    row: int
    count: int
    sources: tuple[str, ...]


def distinct(rows: pa.Table, workers: int) -> list[Distinct]:
    """Each molecule once, best first; ties by canonical SMILES."""
    texts = rows["smiles"].to_pylist()
    written = list(dict.fromkeys(texts))
    canonical = dict(zip(written, _canonical_all(written, workers), strict=True))
    places: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        places.setdefault(canonical[text] or text, []).append(row)
    scores, sources = rows["score"].to_numpy(), rows["source"].to_pylist()
    found = []
    for smiles, at in places.items():
        best = max(at, key=lambda row: (scores[row], -row))
        found.append(
            Distinct(smiles, float(scores[best]), best, len(at), tuple(dict.fromkeys(sources[row] for row in at)))
        )
    return sorted(found, key=lambda m: (-m.score, m.smiles))


def _canonical_all(smiles: Iterable[str], workers: int) -> Iterator[str | None]:
    for part in map_ordered(_canonical_some, _chunks(smiles), workers):
        yield from part


def _chunks(smiles: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for text in smiles:
        chunk.append(text)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _canonical_some(smiles: list[str]) -> list[str | None]:
    """Canonical SMILES (of salts too, unlike `chem.parse.canonical`); None for what is no molecule."""
    found: list[str | None] = []
    for text in smiles:
        try:
            found.append(Chem.MolToSmiles(parse(text)))
        except BadMolecule:
            found.append(None)
    return found


def without(molecules: list[Distinct], known: Sequence[Path], workers: int) -> list[Distinct]:
    """The molecules that are in none of the files. Memory grows with the candidates, not with what is known."""
    names = {m.smiles for m in molecules}
    hits: set[str | None] = set()
    for file in known:
        source = Source(file)
        texts = (text for chunk in source.chunks() for text in chunk["smiles"].to_pylist() if text)
        # A molecules table is canonical by its definition.
        clean = set(MOLECULES.names) <= set(source.schema.names)
        with progress("known", source.rows, "molecules") as bar:
            for text in texts if clean else _canonical_all(texts, workers):
                bar.advance(1)
                if text in names:
                    hits.add(text)
        if source.damage:
            raise InputError(source.damage)
    return [m for m in molecules if m.smiles not in hits]
