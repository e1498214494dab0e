"""Whether a model draws each kind of molecule as often as the data have it.

Kinds: fifths of the data by heavy atoms; net charge; which rings there are; how frequent the scaffold is in the
training set. Imbalance is the total variation distance of the kinds' shares: the share of molecules that would have to
be of another kind. The ratio of a kind's shares (model's over data's) comes with the interval of both samples (Katz et
al., Biometrics 34:469, 1978; where a count is 0, half a molecule is added to both).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from molgen.evaluate.further.context import Context, Subject
from molgen.evaluate.further.figures import Figure, figure
from molgen.evaluate.intervals import Z

FIFTHS = 5
FREQUENT = 1e-3  # a scaffold that this share of the training molecules has, and no less than two of them, is frequent
CHARGES = ("negative", "neutral", "positive")
RINGS = ("none", "aromatic only", "aliphatic only", "both")
SCAFFOLDS = ("fewer than two rings", "frequent in training", "rare in training", "not in training")
Kinds = tuple[list[str], np.ndarray, np.ndarray]  # names, and the kind of each draw and of each of the data


def by_size(context: Context) -> Kinds:
    """Fifths of the data by heavy atoms; fewer where many molecules are of one size."""
    draws, data = _number(context.drawn(), "size"), _number(context.held_out(), "size")
    edges = np.unique(np.quantile(data, np.arange(1, FIFTHS) / FIFTHS, method="lower"))
    edges = edges[edges < data.max()]
    names = [_between(low, high) for low, high in pairwise([None, *map(int, edges), None])]
    return names, np.searchsorted(edges, draws), np.searchsorted(edges, data)


def _between(low: int | None, high: int | None) -> str:
    """More atoms than `low` and no more than `high`, in words."""
    if low is None or high is None:
        return "any size" if low == high else f"up to {high} atoms" if low is None else f"over {low} atoms"
    return f"{high} atoms" if low + 1 == high else f"{low + 1} to {high} atoms"


def by_charge(context: Context) -> Kinds:
    """The sign of the net charge."""
    draws, data = (np.sign(_number(s, "charge")).astype(int) + 1 for s in (context.drawn(), context.held_out()))
    return list(CHARGES), draws, data


def by_rings(context: Context) -> Kinds:
    """Whether there are aromatic rings, others, or both."""
    return list(RINGS), _ring_kind(context.drawn()), _ring_kind(context.held_out())


def _ring_kind(subject: Subject) -> np.ndarray:
    rings, aromatic = _number(subject, "rings"), _number(subject, "aromatic_rings")
    return (aromatic > 0).astype(int) + 2 * (rings > aromatic)


def by_scaffold(context: Context) -> Kinds:
    """How many training molecules have the scaffold (of two rings or more)."""
    draws, data = (_scaffold_kind(context, s) for s in (context.drawn(), context.held_out()))
    return list(SCAFFOLDS), draws, data


def _scaffold_kind(context: Context, subject: Subject) -> np.ndarray:
    train = context.train
    kinds = []
    for scaffold in subject.structures.scaffolds:
        count = train.scaffolds[scaffold] if scaffold else -1
        kinds.append(0 if count < 0 else 3 if not count else 1 if count >= max(FREQUENT * len(train), 2) else 2)
    return np.array(kinds)[subject.row]


def _number(subject: Subject, name: str) -> np.ndarray:
    return subject.structures.number(name)[subject.row]


GROUPS: dict[str, Callable[[Context], Kinds]] = {
    "size": by_size,
    "charge": by_charge,
    "rings": by_rings,
    "scaffold": by_scaffold,
}


def imbalance(context: Context, group: str) -> Figure:
    """Half the sum of the absolute differences of the kinds' shares."""
    names, draws, data = GROUPS[group](context)
    away = _shares(draws, len(names)) - _shares(data, len(names))
    return figure(float(np.abs(away).sum() / 2), np.sign(away)[draws] / 2, high=1.0)


def _shares(kinds: np.ndarray, count: int) -> np.ndarray:
    found: np.ndarray = np.bincount(kinds, minlength=count) / len(kinds)
    return found


def ratios(context: Context, group: str) -> dict[str, dict[str, Any]]:
    """Of each kind the share among the draws, that among the data, and their ratio with its interval."""
    names, draws, data = GROUPS[group](context)
    return {
        name: ratio(int((draws == i).sum()), len(draws), int((data == i).sum()), len(data))
        for i, name in enumerate(names)
    }


def ratio(hits: int, n: int, others: int, m: int) -> dict[str, Any]:
    """Shares hits / n and others / m and their ratio: null where neither has any."""
    found: dict[str, Any] = {"draws": hits / n, "data": others / m, "ratio": None, "low": None, "high": None}
    if not hits and not others:
        return found
    a, b, more = (hits, others, 0.0) if hits and others else (hits + 0.5, others + 0.5, 0.5)
    value = a / (n + more) * (m + more) / b
    half = Z * np.sqrt(max(1 / a - 1 / (n + more), 0) + max(1 / b - 1 / (m + more), 0))
    return found | {"ratio": float(value), "low": float(value * np.exp(-half)), "high": float(value * np.exp(half))}


METRICS: dict[str, Callable[[Context], Figure]] = {
    f"Imbalance/{group}": partial(imbalance, group=group) for group in GROUPS
}
