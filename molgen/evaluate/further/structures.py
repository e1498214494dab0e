"""What the further metrics need of molecules' structures, each parsed once, in processes; kept for references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.chem.descriptors import DESCRIPTORS
from molgen.chem.fingerprints import morgan
from molgen.chem.functional_groups import functional_groups
from molgen.chem.parse import BadMolecule, parse
from molgen.chem.ring_systems import ring_systems
from molgen.chem.strain import strained_motifs
from molgen.core.cache import cache_folder
from molgen.core.progress import progress
from molgen.core.workers import map_ordered
from molgen.evaluate.describe import BITS, RADIUS, scaffold_of_rings
from molgen.evaluate.draws import chunks
from molgen.evaluate.statistics import kept, set_key

VERSION = 1  # raised when what is kept, or how it is computed, changes
CHUNK = 250
NUMBERS = ("SA", "size", "charge", "rings", "aromatic_rings")


class Structures(NamedTuple):
    """Of n distinct molecules: Morgan fingerprints uint8 (n, 128), ring systems, Murcko scaffold of two rings or more
    ("" without), functional groups, strained motifs, and the columns of `NUMBERS`, float32 (n, 5)."""

    fingerprints: np.ndarray
    rings: list[list[str]]
    scaffolds: list[str]
    groups: list[list[str]]
    strained: list[list[str]]
    numbers: np.ndarray

    def number(self, name: str) -> np.ndarray:
        """A column of `NUMBERS`."""
        return self.numbers[:, NUMBERS.index(name)]


def structures(label: str, smiles: Sequence[str], workers: int, *, keep: bool = False) -> Structures:
    """The structures of SMILES, all of which are molecules; from the cache and into it with `keep`."""
    if not keep:
        return _computed(label, smiles, workers)
    folder = cache_folder() / "structures" / f"{set_key(smiles)[:32]}-{VERSION}"
    return kept(folder, _read, lambda: _computed(label, smiles, workers), _write)


def _computed(label: str, smiles: Sequence[str], workers: int) -> Structures:
    parts: list[Structures] = []
    with progress(f"{label}: structures", len(smiles), "molecules") as bar:
        for part in map_ordered(_chunk, chunks(smiles, CHUNK), workers if len(smiles) > CHUNK else 1):
            parts.append(part)
            bar.advance(len(part.scaffolds))
    return Structures(
        np.concatenate([np.empty((0, BITS // 8), np.uint8), *(p.fingerprints for p in parts)]),
        *([x for p in parts for x in p[i]] for i in range(1, 5)),  # type: ignore[arg-type,call-arg]
        np.concatenate([np.empty((0, len(NUMBERS)), np.float32), *(p.numbers for p in parts)]),
    )


def _chunk(smiles: tuple[str, ...]) -> Structures:
    mols = [parse(text) for text in smiles]
    return Structures(
        morgan(mols, RADIUS, BITS),
        [ring_systems(mol) for mol in mols],
        [scaffold_of_rings(mol) for mol in mols],
        [functional_groups(mol) for mol in mols],
        [strained_motifs(mol) for mol in mols],
        np.array([_numbers(mol) for mol in mols], np.float32).reshape(-1, len(NUMBERS)),
    )


def _numbers(mol: Chem.Mol) -> tuple[float, ...]:
    rings, aromatic = rdMolDescriptors.CalcNumRings(mol), rdMolDescriptors.CalcNumAromaticRings(mol)
    size, charge = mol.GetNumHeavyAtoms(), Chem.GetFormalCharge(mol)
    return DESCRIPTORS["SA"](mol), size, charge, rings, aromatic  # SA last done: it leaves marks on the molecule


def _write(folder: Path, found: Structures) -> None:
    np.save(folder / "fingerprints.npy", found.fingerprints)
    np.save(folder / "numbers.npy", found.numbers)
    lists = pa.list_(pa.string())
    columns = {name: pa.array(getattr(found, name), lists) for name in ("rings", "groups", "strained")}
    pq.write_table(pa.table({**columns, "scaffold": pa.array(found.scaffolds, pa.string())}), folder / "parts.parquet")


def _read(folder: Path) -> Structures:
    prints = np.load(folder / "fingerprints.npy", allow_pickle=False)
    numbers = np.load(folder / "numbers.npy", allow_pickle=False)
    parts = pq.read_table(folder / "parts.parquet")
    if not len(prints) == len(numbers) == parts.num_rows:
        raise ValueError(folder)
    rings, groups, strained = (parts[name].to_pylist() for name in ("rings", "groups", "strained"))
    return Structures(prints, rings, parts["scaffold"].to_pylist(), groups, strained, numbers)


@dataclass(frozen=True)
class Training:
    """All of the training set: fingerprints uint8 (n, 128), and in how many molecules each ring system and each
    scaffold stands."""

    fingerprints: np.ndarray
    rings: Counter[str]
    scaffolds: Counter[str]

    def __len__(self) -> int:
        return len(self.fingerprints)


def training(smiles: Sequence[str], workers: int) -> Training:
    """Of a training set, once a set: kept in the cache. What is no molecule is left out. Memory: 128 bytes each."""
    folder = cache_folder() / "training" / f"{set_key(smiles)[:32]}-{VERSION}"
    return kept(folder, _read_training, lambda: _scan(smiles, workers), _write_training)


def _scan(smiles: Sequence[str], workers: int) -> Training:
    prints = np.empty((len(smiles), BITS // 8), np.uint8)
    rings, scaffolds, done = Counter[str](), Counter[str](), 0
    with progress("train: structures", len(smiles), "molecules") as bar:
        for some, found, own in map_ordered(_scan_chunk, chunks(smiles, 4 * CHUNK), workers):
            prints[done : done + len(some)] = some
            rings.update(found)
            scaffolds.update(own)
            done += len(some)
            bar.advance(len(some))
    return Training(prints[:done], rings, scaffolds)


def _scan_chunk(smiles: tuple[str, ...]) -> tuple[np.ndarray, Counter[str], Counter[str]]:
    mols = [mol for mol in map(_parsed, smiles) if mol is not None]
    rings = Counter(system for mol in mols for system in ring_systems(mol))
    return morgan(mols, RADIUS, BITS), rings, Counter(s for s in map(scaffold_of_rings, mols) if s)


def _parsed(smiles: str) -> Chem.Mol | None:
    try:
        return parse(smiles)
    except BadMolecule:
        return None


def _write_training(folder: Path, found: Training) -> None:
    np.save(folder / "fingerprints.npy", found.fingerprints)
    for name in ("rings", "scaffolds"):
        counted: Counter[str] = getattr(found, name)
        table = pa.table({"smiles": pa.array(counted.keys(), pa.string()), "count": list(counted.values())})
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def _read_training(folder: Path) -> Training:
    tables = [pq.read_table(folder / f"{name}.parquet") for name in ("rings", "scaffolds")]
    rings, scaffolds = (
        Counter(dict(zip(t["smiles"].to_pylist(), t["count"].to_pylist(), strict=True))) for t in tables
    )
    return Training(np.load(folder / "fingerprints.npy", mmap_mode="r", allow_pickle=False), rings, scaffolds)
