"""A map of chemical space: fingerprints in the plane, so that likes lie near each other as far as two axes can tell."""

from __future__ import annotations

import numpy as np

FITTED = 4_000  # rows that the axes are found from, spread evenly over all


def chemical_map(prints: np.ndarray) -> np.ndarray:
    """The first two principal components of packed fingerprints: float64 (n, 2), rounded to three digits.

    The axes come from at most 4,000 rows; each axis points where its largest loading is positive, so that the map
    of the same molecules is the same map.
    """
    if len(prints) < 3:
        return np.zeros((len(prints), 2))
    sample = _bits(prints[np.unique(np.linspace(0, len(prints) - 1, FITTED).astype(int))])
    mean = sample.mean(axis=0)
    spread = (sample - mean).T @ (sample - mean)
    axes = np.linalg.eigh(spread.astype(np.float64))[1][:, :-3:-1]  # eigenvalues ascend
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    parts = [(_bits(prints[i : i + FITTED]) - mean) @ axes for i in range(0, len(prints), FITTED)]
    return np.round(np.concatenate(parts).astype(np.float64), 3)


def _bits(prints: np.ndarray) -> np.ndarray:
    return np.unpackbits(prints, axis=1).astype(np.float32)
