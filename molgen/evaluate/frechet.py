"""Distances between two sets of ChemNet activations.

Fréchet: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the sets' means and covariances (Preuer et al., J. Chem. Inf.
Model. 58:1736, 2018). It falls with the number of molecules even where both sets are of one distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ROWS = 1_000  # molecules whose activations are held in float64 at a time


class Gaussian(NamedTuple):
    """Mean, float64 (512,), and covariance, float64 (512, 512), of `n` molecules' activations."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray


def gaussian(activations: np.ndarray, counts: np.ndarray) -> Gaussian:
    """Mean and covariance of activations, each of which occurs `counts` times; at least one molecule in all.

    A distance needs two. The covariance of one is nothing, so that it can be `pooled` with others.
    """
    return pooled([_gaussian(activations[i : i + ROWS], counts[i : i + ROWS]) for i in range(0, len(counts), ROWS)])


def _gaussian(activations: np.ndarray, counts: np.ndarray) -> Gaussian:
    n = int(counts.sum())
    values, weights = activations.astype(np.float64), counts.astype(np.float64)
    mean = weights @ values / n
    values -= mean
    return Gaussian(n, mean, (values.T * weights) @ values / max(n - 1, 1))


def pooled(parts: Sequence[Gaussian]) -> Gaussian:
    """Mean and covariance of several sets taken together (Chan, Golub and LeVeque, Am. Stat. 37:242, 1983)."""
    n = sum(part.n for part in parts)
    mean = np.sum([part.n * part.mean for part in parts], axis=0) / max(n, 1)
    scatter = np.zeros_like(parts[0].covariance)
    for part in parts:
        away = part.mean - mean
        scatter += (part.n - 1) * part.covariance + part.n * np.outer(away, away)
    return Gaussian(n, mean, scatter / max(n - 1, 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """The distance. The trace of the root is that of a symmetric matrix with the same eigenvalues as C1 C2."""
    root = _root(a.covariance)
    product = root @ b.covariance @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
    crossed = np.sqrt(np.clip(eigenvalues, 0, None)).sum()
    difference = a.mean - b.mean
    return float(difference @ difference + np.trace(a.covariance) + np.trace(b.covariance) - 2 * crossed)


def influence(activations: np.ndarray, own: Gaussian, other: Gaussian) -> np.ndarray:
    """What each molecule of `own` contributes to the distance, to first order, float64 (n,).

    With d = x - m1 it is 2 (m1 - m2).d + d' G d and a constant, where G = 1 - R (R C1 R)^(-1/2) R is the distance's
    gradient by C1, and R the root of C2. Directions in which `own` hardly spreads (a rank below 512) are left out.
    """
    root = _root(other.covariance)
    values, vectors = np.linalg.eigh(root @ own.covariance @ root)
    there = values > values.max() * 1e-10
    inverse = (vectors[:, there] / np.sqrt(values[there])) @ vectors[:, there].T
    gradient = np.eye(len(root)) - root @ inverse @ root
    found = np.empty(len(activations))
    for rows in (slice(i, i + ROWS) for i in range(0, len(found), ROWS)):
        away = activations[rows].astype(np.float64) - own.mean
        found[rows] = 2 * away @ (own.mean - other.mean) + np.einsum("ij,ij->i", away @ gradient, away)
    return found


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    root: np.ndarray = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root
