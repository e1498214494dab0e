"""How far a figure would move had the model been drawn from again: 95 % intervals of the metrics.

A metric of n draws is, to first order, a mean over the draws of what each of them contributes (its influence, Hampel,
J. Am. Stat. Assoc. 69:383, 1974), and the spread of that mean is what a bootstrap over draws converges to (the
infinitesimal jackknife, Efron, Biometrika 68:589, 1981). It costs a pass over the draws rather than hundreds of
evaluations, and has no random numbers. The reference and the model are taken as given: an interval says nothing of
what another training run would give. Where repeated draws are what is measured (`unique`), it is a first guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from molgen.evaluate.frechet import Gaussian, influence
from molgen.evaluate.metrics import Evidence, NotMeasuredError, NotNamedError

Z = 1.959964  # of the normal distribution: 2.5 % lie above
FEWEST = 20  # draws; with fewer, a spread is no more than a guess
SHARES = frozenset({"valid", "valid_literature", "unique", "unique@1000", "unique@10000", "Novelty", "Filters"})
UNBOUNDED = frozenset({"logP", "SA", "QED", "weight", "FCD/Test", "FCD/TestSF"})  # from 0 up; the others from 0 to 1


def intervals(evidence: Evidence, metrics: Mapping[str, float | None]) -> dict[str, tuple[float, float]]:
    """Low and high of each metric that has a value and enough draws."""
    found = {}
    for name, value in metrics.items():
        if value is None or name not in INFLUENCES:
            continue
        try:
            values, counts = INFLUENCES[name](evidence)
        except (NotMeasuredError, NotNamedError):
            continue
        if counts.sum() < FEWEST:
            continue
        if name in SHARES:
            found[name] = wilson(value, counts.sum())
        else:
            half = Z * standard_error(values, counts)
            top = np.inf if name in UNBOUNDED else 1.0
            found[name] = (max(value - half, 0.0), min(value + half, top))
    return found


Influences = tuple[np.ndarray, np.ndarray]  # a value and a count for each kind of draw, both float64 (kinds,)


def standard_error(values: np.ndarray, counts: np.ndarray) -> float:
    """Of the mean of `values`, each of which occurs `counts` times."""
    n = counts.sum()
    mean = counts @ values / n
    return float(np.sqrt(counts @ (values - mean) ** 2) / n)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The interval of a share of n, which is not empty where the share is 0 or 1 (Wilson, J. Am. Stat. Assoc. 1927)."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def _shares(hits: int, of: int) -> Influences:
    return np.array([1.0, 0.0]), np.array([hits, of - hits], np.float64)


def _valid(evidence: Evidence) -> Influences:
    return _shares(len(evidence.draws.valid), len(evidence.draws))


def _literature(evidence: Evidence) -> Influences:
    return _shares(evidence.draws.readings[1], len(evidence.draws))


def _unique(evidence: Evidence, k: int | None = None) -> Influences:
    molecules = evidence.draws.valid[:k]
    return _shares(len(set(molecules)), len(molecules))


def _novelty(evidence: Evidence) -> Influences:
    distinct = len(set(evidence.draws.valid))
    return _shares(distinct - len(evidence.known), distinct)


def _filters(evidence: Evidence) -> Influences:
    return evidence.some().passes.astype(np.float64), _counts(evidence)


def _diversity(evidence: Evidence) -> Influences:
    """Each molecule counts in its own mean over all and in that of each other one: twice."""
    return 2 * evidence.similarity_moments[1], _counts(evidence)


def _diversity_of_squares(evidence: Evidence) -> Influences:
    """The same of the mean of roots r = (mean of T^2)^(1/2): a molecule's own r, and T^2 / 2r in each other one's."""
    roots, counts = np.sqrt(evidence.similarity_moments[2]), _counts(evidence)
    [in_others] = evidence.similarity_sums((2,), counts / np.maximum(2 * roots, 1e-12))
    return roots + in_others / counts.sum(), counts


def _nearest(evidence: Evidence, split: str) -> Influences:
    return evidence.nearest(split), _counts(evidence)


def _chemnet(evidence: Evidence, split: str) -> Influences:
    if evidence.activations is None or split not in evidence.chemnet:
        raise NotMeasuredError(evidence.no_chemnet)
    own: Gaussian = evidence.chemnet["generated"]
    return influence(evidence.activations, own, evidence.chemnet[split]), _counts(evidence)


def _fragments(evidence: Evidence, split: str) -> Influences:
    found = evidence.some()
    return cosine_influence(found.fragments_of, found.counts, evidence.split(split).fragments), _counts(evidence)


def _scaffolds(evidence: Evidence, split: str) -> Influences:
    found = evidence.some()
    own = [(scaffold,) if scaffold else () for scaffold in found.scaffold_of]
    return cosine_influence(own, found.counts, evidence.split(split).scaffolds), _counts(evidence)


def cosine_influence(parts: Sequence[Sequence[str]], counts: np.ndarray, reference: Counter[str]) -> np.ndarray:
    """Of each molecule's parts on the cosine of all their counts with those of the reference, float64 (molecules,).

    The gradient of cos = r.g / (|r| |g|) by g is r / (|r| |g|) - cos g / |g|^2; it is orthogonal to g.
    """
    own = Counter[str]()
    for some, count in zip(parts, counts.tolist(), strict=True):
        for part in some:
            own[part] += count
    length, other = (float(sum(v * v for v in c.values())) ** 0.5 for c in (own, reference))
    if not length or not other:
        raise NotMeasuredError("no parts")
    cosine = sum(v * reference[part] for part, v in own.items()) / (length * other)
    gradient = {part: reference[part] / (length * other) - cosine * v / length**2 for part, v in own.items()}
    return float(counts.sum()) * np.array([sum(gradient[part] for part in some) for some in parts])


def _property(evidence: Evidence, name: str) -> Influences:
    own, other = evidence.some().values(name), evidence.split("test").values(name)
    return wasserstein_influence(own, other), np.ones(len(own))


def wasserstein_influence(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each of `own`'s values on the area between both cumulative distributions F and G.

    The area's derivative for a value x is the integral of sign(F - G) (1[x <= t] - F) over t; the second part is the
    same for every x.
    """
    own, other = np.sort(own), np.sort(other)
    points = np.sort(np.concatenate([own, other]))
    below = np.searchsorted(own, points[:-1], side="right") / len(own)
    signs = np.sign(below - np.searchsorted(other, points[:-1], side="right") / len(other)) * np.diff(points)
    above = np.concatenate([np.cumsum(signs[::-1])[::-1], [0.0]])  # the integral from each point on
    found: np.ndarray = above[np.searchsorted(points, own)]
    return found


def _counts(evidence: Evidence) -> np.ndarray:
    return evidence.some().counts.astype(np.float64)


INFLUENCES: Mapping[str, Callable[[Evidence], Influences]] = {
    "valid": _valid,
    "valid_literature": _literature,
    "unique": _unique,
    "unique@1000": partial(_unique, k=1_000),
    "unique@10000": partial(_unique, k=10_000),
    "Novelty": _novelty,
    "Filters": _filters,
    "IntDiv": _diversity,
    "IntDiv2": _diversity_of_squares,
    "FCD/Test": partial(_chemnet, split="test"),
    "FCD/TestSF": partial(_chemnet, split="test_scaffolds"),
    "SNN/Test": partial(_nearest, split="test"),
    "SNN/TestSF": partial(_nearest, split="test_scaffolds"),
    "Frag/Test": partial(_fragments, split="test"),
    "Frag/TestSF": partial(_fragments, split="test_scaffolds"),
    "Scaf/Test": partial(_scaffolds, split="test"),
    "Scaf/TestSF": partial(_scaffolds, split="test_scaffolds"),
    "logP": partial(_property, name="logP"),
    "SA": partial(_property, name="SA"),
    "QED": partial(_property, name="QED"),
    "weight": partial(_property, name="MW"),
}
