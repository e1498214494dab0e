"""What is known of a reference split, computed once and kept in the cache folder under the hash of its SMILES.

A folder a set: `molecules.parquet` (SMILES, count, filters, properties), `fingerprints.npy`, `fragments.parquet`,
`scaffolds.parquet`, and in a folder of its own `chemnet.npz` (mean and covariance of the activations). Nothing is
pickled; what is damaged is made again. A large set is worked out in parts, each kept until the whole is there, so that
a run that was stopped goes on. The statistics of ChemNet for both held-out splits of MOSES, the slowest part, come with
molgen (`known/moses.safetensors`: those that molsets 0.3.1 is delivered with, converted).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core.cache import cache_folder
from molgen.core.tables import PROPERTIES
from molgen.evaluate.describe import Described, describe, joined
from molgen.evaluate.frechet import Gaussian, gaussian, pooled

VERSION = 1  # raised when what is kept, or how it is computed, changes
KNOWN = files("molgen.evaluate").joinpath("known/moses.safetensors")  # as `molgen.evaluate.deliver` writes
PART = 20_000  # molecules of a large set that are worked out and kept at a time
Found = TypeVar("Found")


def set_key(smiles: Sequence[str]) -> str:
    """The hash of a set of molecules: of its SMILES as they stand, in their order."""
    return hashlib.sha256("\n".join(smiles).encode()).hexdigest()


def described(
    label: str,
    smiles: Sequence[str],
    workers: int,
    known: np.ndarray | None = None,
    *,
    filters: bool = False,
    properties: bool = True,
) -> Described:
    """The description of a reference split, from the cache or computed and put there.

    Without `filters` or `properties`, which take two thirds of the time, `passes` is False, the properties NaN.
    """
    if not properties:
        known = np.full((len(smiles), len(PROPERTIES)), np.nan, np.float32)
    version = f"{VERSION}{'-filters' if filters else ''}{'' if properties else '-bare'}"

    def make(title: str, rows: slice) -> Described:
        return describe(title, smiles[rows], workers, None if known is None else known[rows], filters=filters)

    return _in_parts("sets", label, smiles, version, make, joined, _read, _write)


def chemnet(label: str, smiles: Sequence[str], workers: int) -> Gaussian:
    """Mean and covariance of a set's ChemNet activations, from the cache or computed and put there.

    What is no molecule is left out. ChemNetMissingError where they have to be computed and there are no weights.
    """
    from molgen.evaluate.chemnet import WIDTH, activations

    def make(title: str, rows: slice) -> Gaussian:
        counted = Counter(_canonical(smiles[rows]))
        if not counted:
            return Gaussian(0, np.zeros(WIDTH), np.zeros((WIDTH, WIDTH)))
        return gaussian(activations(list(counted), workers=workers, label=title), np.array(list(counted.values())))

    return _in_parts("chemnet", label, smiles, str(VERSION), make, pooled, _read_gaussian, _write_gaussian)


def _in_parts(
    kind: str,
    label: str,
    smiles: Sequence[str],
    version: str,
    make: Callable[[str, slice], Found],
    join: Callable[[Sequence[Found]], Found],
    read: Callable[[Path], Found],
    write: Callable[[Path, Found], None],
) -> Found:
    """`make` of all SMILES, kept; of a large set, `join` of `make` of its parts, which are kept until it is whole."""
    folder = cache_folder() / kind / f"{set_key(smiles)[:32]}-{version}"
    size = -(-len(smiles) // max(-(-len(smiles) // PART), 1))  # equal parts, none of a few molecules
    parts = [slice(i, i + size) for i in range(0, len(smiles), max(size, 1))]
    if len(parts) < 2:
        return kept(folder, read, lambda: make(label, slice(None)), write)
    unfinished = folder.with_name(f"{folder.name}.parts")

    def made() -> Found:
        found = []
        for i, rows in enumerate(parts):
            work = partial(make, f"{label} {i + 1}/{len(parts)}", rows)
            found.append(kept(unfinished / f"{i:05d}", read, work, write))
        return join(found)

    whole = kept(folder, read, made, write)
    shutil.rmtree(unfinished, ignore_errors=True)
    return whole


def _canonical(smiles: Sequence[str]) -> list[str]:
    """The molecules as this RDKit writes them (a benchmark's files may be older), without what is none."""
    found = []
    for text in smiles:
        try:
            found.append(Chem.MolToSmiles(parse(text)))
        except BadMolecule:
            continue
    return found


def kept(
    folder: Path, read: Callable[[Path], Found], make: Callable[[], Found], write: Callable[[Path, Found], None]
) -> Found:
    """What a folder holds; made and written first if it is not there, or damaged. A full disk costs the cache only."""
    try:
        return read(folder)
    except (OSError, ValueError, KeyError, pa.ArrowException):
        pass
    made, aside = make(), folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        aside.mkdir(parents=True, exist_ok=True)
        write(aside, made)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    except OSError:  # another run was faster, or there is no room: this one goes on with what it has
        shutil.rmtree(aside, ignore_errors=True)
    return made


def _write(folder: Path, found: Described) -> None:
    columns = {"smiles": found.smiles, "count": found.counts, "passes": found.passes}
    columns |= {name: found.properties[:, i] for i, name in enumerate(PROPERTIES)}
    pq.write_table(pa.table(columns), folder / "molecules.parquet", compression="zstd")
    np.save(folder / "fingerprints.npy", found.fingerprints)
    for name, counted in (("fragments", found.fragments), ("scaffolds", found.scaffolds)):
        table = pa.table({"smiles": pa.array(counted.keys(), pa.string()), "count": list(counted.values())})
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def _read(folder: Path) -> Described:
    molecules = _table(folder / "molecules.parquet")
    prints = np.load(folder / "fingerprints.npy", mmap_mode="r", allow_pickle=False)
    if len(prints) != molecules.num_rows:
        raise ValueError(folder)
    found = Described(
        smiles=molecules["smiles"].to_pylist(),
        counts=molecules["count"].to_numpy(),
        fingerprints=prints,
        properties=np.column_stack([molecules[name].to_numpy() for name in PROPERTIES]),
        fragments=_counter(folder / "fragments.parquet"),
        scaffolds=_counter(folder / "scaffolds.parquet"),
        passes=molecules["passes"].to_numpy(),
    )
    del molecules
    pa.default_memory_pool().release_unused()  # some 50 MB of a large set
    return found


def _table(file: Path) -> pa.Table:
    """Without threads, each of which would keep memory of its own."""
    with pq.ParquetFile(file) as opened:
        return opened.read(use_threads=False)


def _counter(file: Path) -> Counter[str]:
    table = _table(file)
    return Counter(dict(zip(table["smiles"].to_pylist(), table["count"].to_pylist(), strict=True)))


def _write_gaussian(folder: Path, found: Gaussian) -> None:
    np.savez(folder / "chemnet.npz", n=found.n, mean=found.mean, covariance=found.covariance)


def _read_gaussian(folder: Path) -> Gaussian:
    with np.load(folder / "chemnet.npz", allow_pickle=False) as kept:
        return Gaussian(int(kept["n"]), kept["mean"], kept["covariance"])


def delivered(smiles: Sequence[str]) -> Gaussian | None:
    """Mean and covariance of a whole split's activations, if they come with molgen."""
    from safetensors.numpy import load

    key, n = set_key(smiles), len(smiles)

    tensors = load(KNOWN.read_bytes())
    if f"{key}.mean" not in tensors:
        return None
    mean = tensors[f"{key}.mean"]
    return Gaussian(n, mean, unpacked(tensors[f"{key}.covariance"], len(mean)))


def unpacked(upper: np.ndarray, size: int) -> np.ndarray:
    """The symmetric matrix, float64 (size, size), with this upper triangle, row by row."""
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
