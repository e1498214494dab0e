"""A Gaussian process over fingerprints that says which molecules are worth their call.

The kernel is the mean of Tanimoto's on counts (MinMax; Ralaivola et al., Neural Networks 2005, 18, 1093) of five views
of a molecule: its atoms, their environments up to radius 1 and up to radius 2 (ECFP4), pairs of atoms by feature and
distance (Carhart et al. 1985), and pairs by distance alone. Small environments tell what a molecule is made of and
recur, large ones how it is put together, pairs what lies how far from what, distances size and shape. With a greedy
inner search such a process is a strong optimiser by itself (Tripp and Hernandez-Lobato 2023). A count c is written as c
bits, so that MinMax on counts is Tanimoto on bits, and the exact bit kernels do the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from molgen.chem.fingerprints import morgan_counts
from molgen.chem.tanimoto import tanimoto

BITS = np.array([512, 1024, 2048, 2048, 1024], np.uint64)  # that each view is folded to
ENDS = np.concatenate([[0], np.cumsum(BITS.astype(np.int64))])
VIEWS = [slice(begin // 8, end // 8) for begin, end in pairwise(ENDS.tolist())]  # their bytes
ENVIRONMENTS = VIEWS[2]
FEATURES, FAR = 6, 99  # kinds of atoms in a pair; distances are cut here
STEP = np.uint64(40_503)  # between the keys of what is counted more than once
SPREAD = np.uint64(2_654_435_761)  # Knuth's multiplier, which spreads keys over the bits
BAD = 0.25  # values below this quantile are taken as that: how bad a bad one is says little of the good ones
NOISES = (1e-3, 1e-2, 1e-1)  # candidates of the noise's variance, as a share of the signal's
JUDGES = 400  # molecules that decide on the noise; more do not choose otherwise, and the time grows with their cube


def views(mol: Chem.Mol) -> list[Mapping[int, int]]:
    """What each view counts, by keys of its own."""
    features = np.array([_feature(atom) for atom in mol.GetAtoms()], np.int64)
    a, b = np.triu_indices(len(features))  # each atom with itself as well, so that no view is empty
    distances = np.minimum(Chem.GetDistanceMatrix(mol)[a, b].astype(np.int64), FAR)
    kinds = FEATURES * np.minimum(features[a], features[b]) + np.maximum(features[a], features[b])
    pairs, times = np.unique((FAR + 1) * kinds + distances, return_counts=True)
    environments = [morgan_counts(mol, radius) for radius in range(3)]
    between = dict(enumerate(np.bincount(distances).tolist()))
    return [*environments, dict(zip(pairs.tolist(), times.tolist(), strict=True)), between]


def _feature(atom: Chem.Atom) -> int:
    """What an atom is to others: 0 carbon, 1 aromatic carbon, 2 N or O with hydrogen, 3 without, 4 halogen, 5 else."""
    number = atom.GetAtomicNum()
    if number == 6:
        return int(atom.GetIsAromatic())
    if number in (7, 8):
        return 2 if atom.GetTotalNumHs() else 3
    return 4 if number in (9, 17, 35, 53) else 5


@lru_cache(maxsize=60_000)
def unary(smiles: str) -> np.ndarray:
    """The counts of a molecule's views in unary, folded, one view after the other: packed bits, uint8 (n / 8)."""
    row = np.zeros(ENDS[-1], np.uint8)
    mol = Chem.MolFromSmiles(smiles)
    if mol is not None:
        found = views(mol)
        keys = np.array([key for counts in found for key in counts], np.uint64)
        times = np.array([count for counts in found for count in counts.values()], np.int64)
        view = np.repeat(np.repeat(np.arange(len(found)), [len(counts) for counts in found]), times)
        before = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)  # 0, 1, ... of each key
        spread = (np.repeat(keys, times) + STEP * before.astype(np.uint64)) * SPREAD >> np.uint64(16)
        row[ENDS[view] + (spread % BITS[view]).astype(np.int64)] = 1
    return np.packbits(row)


def prints(smiles: Sequence[str]) -> np.ndarray:
    """Packed bits of molecules, uint8 (n, ENDS[-1] / 8)."""
    return np.stack([unary(text) for text in smiles]) if smiles else np.zeros((0, ENDS[-1] // 8), np.uint8)


def likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean over the views of each row of `a` to each of `b` (of `prints`), float64 (n, m)."""
    whole = np.zeros((len(a), len(b)))
    for view in VIEWS:
        whole += tanimoto(a[:, view], b[:, view])
    return whole / len(VIEWS)


class Fit(NamedTuple):
    """A Gaussian process fitted to centred values."""

    noise: float  # variance of the noise, as a share of the signal's
    scale: float  # the signal's variance
    factor: tuple[np.ndarray, bool]  # Cholesky's, of kernel and noise
    weights: np.ndarray  # of each value: the mean elsewhere is its covariance with these, times the weights


def likeliest(kernel: np.ndarray, centred: np.ndarray, noises: Sequence[float] = NOISES) -> Fit:
    """The fit of most likelihood; the scale's maximum is known in closed form."""
    fits: dict[float, Fit] = {}
    for noise in noises:
        factor = cho_factor(kernel + noise * np.eye(len(centred)), lower=True, check_finite=False)
        weights = cho_solve(factor, centred, check_finite=False)
        scale = max(float(centred @ weights) / len(centred), 1e-12)
        likelihood = -0.5 * len(centred) * np.log(scale) - float(np.log(np.diagonal(factor[0])).sum())
        fits.setdefault(likelihood, Fit(noise, scale, factor, weights))
    return fits[max(fits)]


class Surrogate:
    """A Gaussian process with a constant mean; its scale and noise are the likeliest ones."""

    def __init__(self, noise: float | None = None) -> None:
        self._noises = NOISES if noise is None else (noise,)

    def fit(self, smiles: Sequence[str], values: np.ndarray) -> Surrogate:
        """Learns values, float64 (n,), n >= 2; those below the lower quartile (`BAD`) as if they were that."""
        self._prints, values = prints(smiles), np.maximum(values, np.quantile(values, BAD))
        self._mean = float(values.mean())
        kernel, centred = likeness(self._prints, self._prints), values - self._mean
        some = slice(None, None, -(-len(values) // JUDGES))
        noise = likeliest(kernel[some, some], centred[some], self._noises).noise
        self.found = likeliest(kernel, centred, (noise,))
        return self

    def predict(self, smiles: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the value of each molecule, float64 (n,) each."""
        cross = likeness(prints(smiles), self._prints)
        mean = self._mean + cross @ self.found.weights
        half = solve_triangular(self.found.factor[0], cross.T, lower=True, check_finite=False)
        variance = self.found.scale * np.maximum(1 - np.einsum("ij,ij->j", half, half), 1e-9)
        return mean, np.sqrt(variance)
