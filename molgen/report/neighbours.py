"""The known molecules that are most similar to each candidate: of the training set, and of files that a user names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.fingerprints import morgan, nearest
from molgen.chem.parse import BadMolecule, parse
from molgen.core import tables
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.workers import map_ordered
from molgen.data.readers import Reader, to_mol

CHUNK = 4_000
Kind = tuple[int, int]
# Environments of radius 1 that cover the same bonds as another are kept: each atom has its own.
_RADIUS_1 = rdFingerprintGenerator.GetMorganGenerator(radius=1, includeRedundantEnvironments=True)


@dataclass(frozen=True)
class Neighbour:
    """A known molecule and its Tanimoto similarity (Morgan, radius 2, 2,048 bits), 0 to 1."""

    smiles: str
    similarity: float
    name: str | None = None


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


def nearest_known(smiles: Sequence[str], file: Path) -> list[Neighbour | None]:
    """For each (valid) SMILES the nearest molecule of a file; rows that are no molecules are left out.

    A file without any molecule is an InputError.
    """
    reader, names, mols = Reader(file), list[str | None](), list[Chem.Mol]()
    for row in reader:
        try:
            mols.append(to_mol(row.text, block=reader.blocks))
            names.append(row.name)
        except BadMolecule:
            continue
    if not mols:
        raise InputError(f"{file}: no molecules in it; a file of known molecules needs at least one")
    if not smiles:
        return []
    index, similarity = nearest(morgan([parse(s) for s in smiles]), morgan(mols), CHUNK)
    found = zip(index.tolist(), similarity.tolist(), strict=True)
    return [Neighbour(Chem.MolToSmiles(mols[i]), similar, names[i]) for i, similar in found]


def changed_atoms(mol: Chem.Mol, other: Chem.Mol) -> list[int]:
    """Atoms of `mol` whose surroundings (Morgan, radius 1: the atom and its neighbours) do not occur in `other`."""
    there = set(_surroundings(other))
    return [atom for atom, around in enumerate(_surroundings(mol)) if around not in there]


def common_atoms(mol: Chem.Mol, other: Chem.Mol) -> list[tuple[int, int]]:
    """Pairs of atoms, of `mol` and of `other`, of a large connected part that both have.

    It is grown bond by bond from each pair of atoms with the same surroundings, and the largest is taken: not always
    the largest there is, but the same every time and in milliseconds.
    """
    here, there = _surroundings(mol), _surroundings(other)
    kinds, others = _kinds(mol), _kinds(other)
    best: dict[int, int] = {}
    for a, around in enumerate(here):
        if a in best:
            continue
        for b, there_around in enumerate(there):
            if around == there_around and kinds[a] == others[b]:
                found = _grown(mol, other, kinds, others, a, b)
                if len(found) > len(best):
                    best = found
    return sorted(best.items())


def _grown(
    mol: Chem.Mol, other: Chem.Mol, kinds: Sequence[Kind], others: Sequence[Kind], a: int, b: int
) -> dict[int, int]:
    pairs, taken, edge = {a: b}, {b}, [(a, b)]
    while edge:
        a, b = edge.pop(0)
        for bond in mol.GetAtomWithIdx(a).GetBonds():
            to = bond.GetOtherAtomIdx(a)
            if to in pairs:
                continue
            for like in other.GetAtomWithIdx(b).GetBonds():
                partner = like.GetOtherAtomIdx(b)
                same = bond.GetBondType() == like.GetBondType() and kinds[to] == others[partner]
                if same and partner not in taken:
                    pairs[to] = partner
                    taken.add(partner)
                    edge.append((to, partner))
                    break
    return pairs


def _kinds(mol: Chem.Mol) -> list[Kind]:
    """Element, and size of the smallest ring (0 outside of rings), of each atom."""
    rings = mol.GetRingInfo()
    return [(atom.GetAtomicNum(), rings.MinAtomRingSize(atom.GetIdx())) for atom in mol.GetAtoms()]


def _surroundings(mol: Chem.Mol) -> list[int]:
    """For each atom the identifier of its Morgan environment of radius 1 (0 where it has no bond)."""
    found = [0] * mol.GetNumAtoms()
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _RADIUS_1.GetSparseFingerprint(mol, additionalOutput=output)
    for identifier, places in output.GetBitInfoMap().items():
        for atom, radius in places:
            if radius == 1 or found[atom] == 0:
                found[atom] = identifier
    return found


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
