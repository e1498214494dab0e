"""ChemNet statistics of a data set's held-out splits, worked out by molgen: what comes with it (`known/`), or a check.

    python -m molgen.evaluate.deliver MOSES --out molgen/evaluate/known/moses.safetensors
    python -m molgen.evaluate.deliver MOSES --check 5000

`MOSES` is a folder of `molgen data fetch moses`. All of MOSES are 352,299 molecules, some 4 to 8 ms of a core each.
What is done is kept in the cache folder in parts, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from molgen import __version__
from molgen.core.artifacts import whole_file
from molgen.core.errors import InputError
from molgen.core.workers import available_cores
from molgen.evaluate.frechet import Gaussian
from molgen.evaluate.reference import open_reference
from molgen.evaluate.statistics import chemnet, delivered, set_key

SPLITS = ("test", "test_scaffolds")


class Deviation(NamedTuple):
    """Of a sample's means from what is delivered, in standard errors: root mean square (of chance: 1), and greatest."""

    typical: float
    greatest: float


def held_out(folder: Path) -> dict[str, list[str]]:
    """The SMILES of the held-out splits."""
    reference = open_reference(folder, set())
    found = {split: reference.draw(split, None, 0).smiles for split in SPLITS if reference.size(split)}
    if not found:
        raise InputError(f"{folder}: has none of the splits {', '.join(SPLITS)}")
    return found


def deliver(folder: Path, out: Path, workers: int) -> None:
    """Writes mean (float64) and upper triangle of the covariance (float32) of each split, under its molecules' hash."""
    from safetensors.numpy import save

    tensors = {}
    for split, smiles in held_out(folder).items():
        found, key = chemnet(f"ChemNet {split}", smiles, workers), set_key(smiles)
        tensors[f"{key}.mean"] = found.mean
        tensors[f"{key}.covariance"] = found.covariance[np.triu_indices(len(found.mean))].astype(np.float32)
    with whole_file(out) as aside:
        aside.write_bytes(save(tensors, {"source": f"worked out by molgen {__version__}"}))


def deviation(sample: Gaussian, whole: Gaussian) -> Deviation:
    """How far the mean of molecules drawn from a set lies from the set's, 512 times."""
    errors = np.sqrt(np.maximum(np.diag(whole.covariance), 1e-12) / sample.n)
    away = np.abs(sample.mean - whole.mean) / errors
    return Deviation(float(np.sqrt((away**2).mean())), float(away.max()))


def check(smiles: Sequence[str], n: int, label: str, workers: int) -> Deviation:
    """Of `n` molecules spread over a split, from what is delivered for it. InputError if nothing is."""
    whole = delivered(smiles)
    if whole is None:
        raise InputError(f"{label}: no statistics of these molecules come with molgen")
    some = [smiles[i] for i in np.linspace(0, len(smiles) - 1, min(n, len(smiles))).astype(int)]
    return deviation(chemnet(f"ChemNet {label}", some, workers), whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--out", type=Path, help="the file to write")
    todo.add_argument("--check", type=int, metavar="N", help="compare N molecules of each split with what is delivered")
    parser.add_argument("--workers", type=int, default=available_cores())
    asked = parser.parse_args()
    if asked.out:
        deliver(asked.folder, asked.out, asked.workers)
        return
    for split, smiles in held_out(asked.folder).items():
        typical, greatest = check(smiles, asked.check, split, asked.workers)
        print(f"{split}: means of {asked.check:,} lie {typical:.2f} standard errors off, at most {greatest:.2f}")


if __name__ == "__main__":
    main()
