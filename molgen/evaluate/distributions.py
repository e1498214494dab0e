"""Property distributions of generated, train and test molecules as histograms on shared bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from molgen.core.tables import PROPERTY_COLUMNS

BINS = 40  # at most; fewer where a set is small (Rice's rule, 2 n^(1/3)), so that bars are not noise
TAIL = 0.25  # per cent of all values at either end that share the outermost bins


def distributions(sets: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """`sets[name][property]` to `{property: {unit, edges, name: {n, mean, std, counts}}}`; a set may be empty."""
    return {
        column.name: {
            "meaning": column.meaning,
            "unit": column.unit,
            **_histograms({name: values[column.name] for name, values in sets.items()}, column.unit == "count"),
        }
        for column in PROPERTY_COLUMNS
    }


def _histograms(values: Mapping[str, np.ndarray], whole_numbers: bool) -> dict[str, Any]:
    smallest = min((len(v) for v in values.values() if len(v)), default=1)
    bins = int(np.clip(round(2 * smallest ** (1 / 3)), 5, BINS))
    edges = bin_edges(np.concatenate(list(values.values())), whole_numbers, bins)
    found: dict[str, Any] = {"edges": edges.tolist()}
    for name, numbers in values.items():
        counts = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0]
        found[name] = {
            "n": len(numbers),
            "mean": float(numbers.mean()) if len(numbers) else None,
            "std": float(numbers.std()) if len(numbers) else None,
            "counts": counts.tolist(),
        }
    return found


def bin_edges(pooled: np.ndarray, whole_numbers: bool, bins: int = BINS) -> np.ndarray:
    """Edges over nearly all of the values; a bin a number where all are whole (counts)."""
    if not len(pooled):
        return np.array([0.0, 1.0])
    low, high = np.percentile(pooled, [TAIL, 100 - TAIL])
    if whole_numbers and high - low <= 2 * BINS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)
