"""What is known of a reference split, computed once and kept in the cache folder under the hash of its SMILES.

A folder a set: `molecules.parquet` (SMILES, count, filters, properties), `fingerprints.npy`, `fragments.parquet`,
`scaffolds.parquet`, and in a folder of its own `chemnet.npz` (mean and covariance of the activations). Nothing is
pickled; what is damaged is made again. The statistics of ChemNet for both held-out splits of MOSES, the slowest
part, come with molgen (`known/moses.safetensors`: those that molsets 0.3.1 is delivered with, converted).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem

from molgen.chem.parse import parse
from molgen.core.cache import cache_folder
from molgen.core.tables import PROPERTIES
from molgen.evaluate.describe import Described, describe
from molgen.evaluate.frechet import Gaussian, gaussian

VERSION = 1  # raised when what is kept, or how it is computed, changes
Found = TypeVar("Found")


def set_key(smiles: Sequence[str]) -> str:
    """The hash of a set of molecules: of its SMILES as they stand, in their order."""
    return hashlib.sha256("\n".join(smiles).encode()).hexdigest()


def described(
    label: str, smiles: Sequence[str], workers: int, known: np.ndarray | None = None, *, filters: bool = False
) -> Described:
    """The description of a reference split, from the cache or computed and put there."""
    folder = cache_folder() / "sets" / f"{set_key(smiles)[:32]}-{VERSION}{'-filters' if filters else ''}"
    return kept(folder, _read, lambda: describe(label, smiles, workers, known, filters=filters), _write)


def chemnet(label: str, found: Described, smiles: Sequence[str], workers: int) -> Gaussian:
    """Mean and covariance of a set's ChemNet activations, from the cache or computed and put there.

    ChemNetMissingError where they have to be computed and there are no weights.
    """
    from molgen.evaluate.chemnet import activations

    key = set_key(smiles)
    folder = cache_folder() / "chemnet" / f"{key[:32]}-{VERSION}"
    return kept(
        folder,
        _read_gaussian,
        lambda: gaussian(activations(_canonical(found.smiles), workers=workers, label=label), found.counts),
        _write_gaussian,
    )


def _canonical(smiles: Sequence[str]) -> list[str]:
    """As this RDKit writes them: a benchmark's files may be older."""
    return [Chem.MolToSmiles(parse(text)) for text in smiles]


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
    molecules = pq.read_table(folder / "molecules.parquet")
    prints = np.load(folder / "fingerprints.npy", mmap_mode="r", allow_pickle=False)
    if len(prints) != molecules.num_rows:
        raise ValueError(folder)
    return Described(
        smiles=molecules["smiles"].to_pylist(),
        counts=molecules["count"].to_numpy(),
        fingerprints=prints,
        properties=np.column_stack([molecules[name].to_numpy() for name in PROPERTIES]),
        fragments=_counter(folder / "fragments.parquet"),
        scaffolds=_counter(folder / "scaffolds.parquet"),
        passes=molecules["passes"].to_numpy(),
    )


def _counter(file: Path) -> Counter[str]:
    table = pq.read_table(file)
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

    tensors = load(files("molgen.evaluate").joinpath("known/moses.safetensors").read_bytes())
    if f"{key}.mean" not in tensors:
        return None
    mean = tensors[f"{key}.mean"]
    return Gaussian(n, mean, unpacked(tensors[f"{key}.covariance"], len(mean)))


def unpacked(upper: np.ndarray, size: int) -> np.ndarray:
    """The symmetric matrix, float64 (size, size), with this upper triangle, row by row."""
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
