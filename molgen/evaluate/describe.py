"""What the metrics need of a set of molecules, computed once a distinct molecule and spread over processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molgen.chem.descriptors import properties
from molgen.chem.fingerprints import morgan
from molgen.chem.parse import parse
from molgen.chem.scaffolds import murcko
from molgen.core.progress import progress
from molgen.core.tables import PROPERTIES
from molgen.core.workers import map_ordered
from molgen.evaluate.draws import chunks

RADIUS, BITS = 2, 1024  # of the fingerprints (MOSES: Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644)
SCAFFOLD_RINGS = 2  # a scaffold of fewer rings is not counted (MOSES' definition)
CHUNK = 250
Piece = tuple[np.ndarray, np.ndarray, Counter[str], Counter[str]]


@dataclass(frozen=True)
class Described:
    """A set of molecules: distinct SMILES with how often each occurs, and what is known of them.

    `fingerprints` is packed, uint8 (distinct, 128); `properties` float32 (distinct, properties) in the order of
    `PROPERTIES`, NaN where there is no value; fragments (BRICS) and scaffolds (Murcko) are counted over all
    occurrences.
    """

    smiles: list[str]
    counts: np.ndarray
    fingerprints: np.ndarray
    properties: np.ndarray
    fragments: Counter[str]
    scaffolds: Counter[str]

    def __len__(self) -> int:
        """Molecules, repeats included."""
        return int(self.counts.sum())

    def values(self, name: str) -> np.ndarray:
        """A property of every molecule, repeats included, without NaN."""
        column = np.repeat(self.properties[:, PROPERTIES.index(name)], self.counts)
        return column[~np.isnan(column)].astype(np.float64)


def describe(label: str, smiles: Sequence[str], workers: int, known: np.ndarray | None = None) -> Described:
    """Describes valid SMILES. `known` has their properties, row by row, where they need not be computed again."""
    counted = Counter(smiles)
    first = {s: i for i, s in reversed(list(enumerate(smiles)))} if known is not None else {}
    pieces: list[Piece] = []
    with progress(label, len(counted), "molecules") as bar:
        items = chunks(((s, n, known is None) for s, n in counted.items()), CHUNK)
        for piece in map_ordered(_describe_chunk, items, workers if len(counted) > CHUNK else 1):
            pieces.append(piece)
            bar.advance(len(piece[0]))
    fragments, scaffolds = Counter[str](), Counter[str]()
    for _, _, some_fragments, some_scaffolds in pieces:
        fragments.update(some_fragments)
        scaffolds.update(some_scaffolds)
    computed = np.concatenate([np.empty((0, len(PROPERTIES)), np.float32), *(p[1] for p in pieces)])
    return Described(
        smiles=list(counted),
        counts=np.array(list(counted.values()), dtype=np.int64),
        fingerprints=np.concatenate([np.empty((0, BITS // 8), np.uint8), *(p[0] for p in pieces)]),
        properties=computed if known is None else known[[first[s] for s in counted]].astype(np.float32),
        fragments=fragments,
        scaffolds=scaffolds,
    )


def _describe_chunk(items: tuple[tuple[str, int, bool], ...]) -> Piece:
    mols = [parse(smiles) for smiles, _, _ in items]
    values = np.full((len(items), len(PROPERTIES)), np.nan, dtype=np.float32)
    fragments, scaffolds = Counter[str](), Counter[str]()
    for row, (mol, (_, count, with_properties)) in enumerate(zip(mols, items, strict=True)):
        if with_properties:
            values[row] = properties(mol)
        for fragment in brics_fragments(mol):
            fragments[fragment] += count
        if mol.GetRingInfo().NumRings() >= SCAFFOLD_RINGS and (scaffold := murcko(mol)):
            scaffolds[scaffold] += count
    return morgan(mols, radius=RADIUS, bits=BITS), values, fragments, scaffolds


def brics_fragments(mol: Chem.Mol) -> list[str]:
    """SMILES of the pieces left when every BRICS bond is cut (Degen et al. 2008); repeats stay."""
    return Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol)).split(".")
