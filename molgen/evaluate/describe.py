"""What the metrics need of a set of molecules, computed once a distinct molecule and spread over processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.chem.descriptors import VALUES, Shared
from molgen.chem.fingerprints import morgan
from molgen.chem.moses_filters import passes
from molgen.chem.parse import BadMolecule, parse
from molgen.core.progress import progress
from molgen.core.tables import PROPERTIES
from molgen.core.workers import map_ordered
from molgen.evaluate.draws import chunks

RADIUS, BITS = 2, 1024  # of the fingerprints (MOSES: Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644)
SCAFFOLD_RINGS = 2  # a scaffold of fewer rings is not counted (MOSES' definition)
CHUNK = 250
Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[tuple[str, ...]], list[str]]


@dataclass(frozen=True)
class Described:
    """A set of molecules: distinct SMILES with how often each occurs, and what is known of them.

    `fingerprints` is packed, uint8 (distinct, 128); `properties` float32 (distinct, properties) in the order of
    `PROPERTIES`, NaN where there is no value; `passes` whether MOSES' filters let a molecule pass; fragments (BRICS)
    and scaffolds (Murcko, with their stereo) are counted over all occurrences.
    """

    smiles: list[str]
    counts: np.ndarray
    fingerprints: np.ndarray
    properties: np.ndarray
    fragments: Counter[str]
    scaffolds: Counter[str]
    passes: np.ndarray
    fragments_of: Sequence[tuple[str, ...]] = ()  # of each distinct molecule; not of a set from the cache
    scaffold_of: Sequence[str] = ()

    def __len__(self) -> int:
        """Molecules, repeats included."""
        return int(self.counts.sum())

    def values(self, name: str) -> np.ndarray:
        """A property of every molecule, repeats included, without NaN."""
        column = np.repeat(self.properties[:, PROPERTIES.index(name)], self.counts)
        return column[~np.isnan(column)].astype(np.float64)


def describe(
    label: str, smiles: Sequence[str], workers: int, known: np.ndarray | None = None, *, filters: bool = True
) -> Described:
    """Describes SMILES, of which those that are no molecules are left out.

    `known` has their properties, row by row, where they need not be computed again. Without `filters`, which are slow,
    `passes` is False.
    """
    counted = Counter(smiles)
    first = {s: i for i, s in reversed(list(enumerate(smiles)))} if known is not None else {}
    pieces: list[Piece] = []
    with progress(label, len(counted), "molecules") as bar:
        items = chunks(((s, n, known is None) for s, n in counted.items()), CHUNK)
        for piece in map_ordered(
            partial(_describe_chunk, filters=filters), items, workers if len(counted) > CHUNK else 1
        ):
            pieces.append(piece)
            bar.advance(len(piece[0]))
    fragments_of, scaffold_of = [f for p in pieces for f in p[4]], [s for p in pieces for s in p[5]]
    fragments, scaffolds = Counter[str](), Counter[str]()
    for count, some, scaffold in zip(counted.values(), fragments_of, scaffold_of, strict=True):
        for fragment in some:
            fragments[fragment] += count
        if scaffold:
            scaffolds[scaffold] += count
    whole = np.concatenate([np.empty(0, bool), *(p[3] for p in pieces)])
    computed = np.concatenate([np.empty((0, len(PROPERTIES)), np.float32), *(p[1] for p in pieces)])
    values = computed if known is None else known[[first[s] for s in counted]].astype(np.float32)
    return Described(
        smiles=[s for s, there in zip(counted, whole, strict=True) if there],
        counts=np.array(list(counted.values()), dtype=np.int64)[whole],
        fingerprints=np.concatenate([np.empty((0, BITS // 8), np.uint8), *(p[0] for p in pieces)])[whole],
        properties=values[whole],
        fragments=fragments,
        scaffolds=scaffolds,
        passes=np.concatenate([np.empty(0, bool), *(p[2] for p in pieces)])[whole],
        fragments_of=[f for f, there in zip(fragments_of, whole, strict=True) if there],
        scaffold_of=[s for s, there in zip(scaffold_of, whole, strict=True) if there],
    )


def joined(parts: Sequence[Described]) -> Described:
    """Several sets as one: a molecule that occurs in more than one is one row, where it occurred first."""
    first: dict[str, int] = {}
    smiles = [s for part in parts for s in part.smiles]
    counts = np.concatenate([part.counts for part in parts])
    rows = np.array([first.setdefault(s, row) for row, s in enumerate(smiles)], dtype=np.int64)
    chosen = np.array(list(first.values()), dtype=np.int64)
    fragments, scaffolds = Counter[str](), Counter[str]()
    for part in parts:
        fragments.update(part.fragments)
        scaffolds.update(part.scaffolds)
    return Described(
        smiles=list(first),
        counts=np.bincount(rows, counts, len(smiles)).astype(np.int64)[chosen],
        fingerprints=np.concatenate([part.fingerprints for part in parts])[chosen],
        properties=np.concatenate([part.properties for part in parts])[chosen],
        fragments=fragments,
        scaffolds=scaffolds,
        passes=np.concatenate([part.passes for part in parts])[chosen],
    )


def _describe_chunk(items: tuple[tuple[str, int, bool], ...], filters: bool) -> Piece:
    mols = [_parsed(smiles) for smiles, _, _ in items]
    prints = morgan(mols, radius=RADIUS, bits=BITS)
    values = np.full((len(items), len(PROPERTIES)), np.nan, dtype=np.float32)
    passed = np.zeros(len(items), bool)
    fragments, scaffolds = list[tuple[str, ...]](), list[str]()
    for row, (mol, (_, _, with_properties)) in enumerate(zip(mols, items, strict=True)):
        fragments.append(tuple(brics_fragments(mol)) if mol is not None else ())
        scaffolds.append(scaffold_of_rings(mol) if mol is not None else "")
        if mol is None:
            continue
        shared = Shared(mol)
        passed[row] = filters and passes(mol, shared.drawn)
        if with_properties:  # last: counting stereo centres leaves marks on the molecule
            values[row] = [value(shared) for value in VALUES.values()]
    return prints, values, passed, np.array([mol is not None for mol in mols], bool), fragments, scaffolds


def _parsed(smiles: str) -> Chem.Mol | None:
    try:
        return parse(smiles)
    except BadMolecule:
        return None


def scaffold_of_rings(mol: Chem.Mol) -> str:
    """The Murcko scaffold with its stereo, "" if it has fewer than two rings."""
    if mol.GetRingInfo().NumRings() < SCAFFOLD_RINGS:
        return ""
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)
    return str(Chem.MolToSmiles(scaffold)) if scaffold.GetRingInfo().NumRings() >= SCAFFOLD_RINGS else ""


def brics_fragments(mol: Chem.Mol) -> list[str]:
    """SMILES of the pieces left when every BRICS bond is cut (Degen et al. 2008); repeats stay."""
    return Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol)).split(".")
