"""A Gaussian process over fingerprints that says which molecules are worth their call.

The kernel is Tanimoto's on counts (MinMax; Ralaivola et al., Neural Networks 2005, 18, 1093), which with a greedy inner
search is a strong optimiser by itself (Tripp and Hernandez-Lobato 2023). A count c of an environment is written as c
bits, so that MinMax on counts is Tanimoto on bits, and the exact bit kernels do the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from molgen.chem.fingerprints import morgan_counts
from molgen.chem.tanimoto import tanimoto

BITS = 4096
RADIUS = 2
NOISES = (1e-3, 1e-2, 1e-1)  # candidates of the noise's variance, as a share of the signal's


@lru_cache(maxsize=60_000)
def unary(smiles: str) -> np.ndarray:
    """The counts of a molecule's Morgan environments in unary, folded: packed bits, uint8 (BITS / 8)."""
    row = np.zeros(BITS, np.uint8)
    mol = Chem.MolFromSmiles(smiles)
    if mol is not None:
        counts = morgan_counts(mol, RADIUS)
        row[[(key + 40_503 * n) % BITS for key, count in counts.items() for n in range(count)]] = 1
    return np.packbits(row)


def prints(smiles: Sequence[str]) -> np.ndarray:
    """Packed bits of molecules, uint8 (n, BITS / 8)."""
    return np.stack([unary(text) for text in smiles]) if smiles else np.zeros((0, BITS // 8), np.uint8)


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
    """A Gaussian process with a constant mean, fitted to values as they are; its scale and noise by likelihood."""

    def __init__(self, noise: float | None = None) -> None:
        self._noises = NOISES if noise is None else (noise,)

    def fit(self, smiles: Sequence[str], values: np.ndarray) -> Surrogate:
        """Learns values, float64 (n,), n >= 2."""
        self._prints = prints(smiles)
        self._mean = float(values.mean())
        self.found = likeliest(
            tanimoto(self._prints, self._prints).astype(np.float64), values - self._mean, self._noises
        )
        return self

    def predict(self, smiles: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the value of each molecule, float64 (n,) each."""
        cross = tanimoto(prints(smiles), self._prints).astype(np.float64)
        mean = self._mean + cross @ self.found.weights
        half = solve_triangular(self.found.factor[0], cross.T, lower=True, check_finite=False)
        variance = self.found.scale * np.maximum(1 - np.einsum("ij,ij->j", half, half), 1e-9)
        return mean, np.sqrt(variance)
