"""The training molecule that is most similar to each candidate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from molgen.chem.fingerprints import morgan, nearest
from molgen.chem.parse import BadMolecule, parse
from molgen.core import tables
from molgen.core.progress import progress
from molgen.core.workers import map_ordered

CHUNK = 4_000


@dataclass(frozen=True)
class Neighbour:
    """A training molecule and its Tanimoto similarity (Morgan, radius 2, 2,048 bits), 0 to 1."""

    smiles: str
    similarity: float


def nearest_training(smiles: Sequence[str], molecules: Path, workers: int) -> list[Neighbour | None]:
    """For each (valid) SMILES its nearest train molecule, the first of equals; None without a train split."""
    if not smiles:
        return []
    best: list[Neighbour | None] = [None] * len(smiles)
    queries = morgan([parse(s) for s in smiles])
    with progress("neighbours", None, "training molecules") as bar:
        for size, found in map_ordered(partial(_nearest_in, queries=queries), _train(molecules), workers):
            for i, (text, similarity) in enumerate(found):
                known = best[i]
                if known is None or similarity > known.similarity:
                    best[i] = Neighbour(text, similarity)
            bar.advance(size)
    return best


def _train(molecules: Path) -> Iterator[list[str]]:
    with tables.opened(molecules, tables.MOLECULES) as file:
        for batch in file.iter_batches(batch_size=CHUNK, columns=["smiles", "split"]):
            train = batch.filter(pc.equal(batch["split"].cast("string"), "train"))
            if len(train):
                yield train["smiles"].to_pylist()


def _nearest_in(smiles: list[str], queries: np.ndarray) -> tuple[int, list[tuple[str, float]]]:
    texts, mols = [], []
    for text in smiles:
        try:
            mols.append(parse(text))
            texts.append(text)
        except BadMolecule:  # a table from elsewhere: its bad rows are nobody's neighbour
            continue
    if not mols:
        return len(smiles), []
    index, similarity = nearest(queries, morgan(mols), CHUNK)
    return len(smiles), [(texts[int(i)], float(s)) for i, s in zip(index, similarity, strict=True)]
