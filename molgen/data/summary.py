"""What `prepare` counted, gathered while it streams."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from molgen.core.tables import PROPERTIES
from molgen.data.clean import Cleaned


class Summary:
    """Counts of rows, molecules, reasons, splits and elements; sizes; means of the properties."""

    def __init__(self) -> None:
        self.rows = self.molecules = 0
        self.reasons: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.files: dict[str, Counter[str]] = {}
        self._elements: Counter[frozenset[str]] = Counter()
        self._sizes: Counter[int] = Counter()
        self._longest = 0
        self._described = 0
        self._sum = np.zeros(len(PROPERTIES))
        self._squares = np.zeros(len(PROPERTIES))

    def add(self, kept: Cleaned) -> None:
        """Adds a chunk from which the duplicates have been moved to the rejects."""
        molecules, rejects = len(kept.smiles), len(kept.rejects)
        self.rows += molecules + rejects
        self.molecules += molecules
        self.reasons.update(reason for _, _, reason, _ in kept.rejects)
        self.splits.update(kept.splits)
        self.files.setdefault(kept.file, Counter()).update(molecules=molecules, rejects=rejects)
        self._elements.update(kept.formulas)
        self._sizes.update(kept.sizes)
        self._longest = max([self._longest, *map(len, kept.smiles)])
        values = kept.properties.astype(np.float64)
        self._described += len(values)
        self._sum += values.sum(axis=0)
        self._squares += (values**2).sum(axis=0)

    def values(self, blank_lines: int, damage: list[str]) -> dict[str, Any]:
        """As plain values for `summary.json`."""
        elements: Counter[str] = Counter()
        for symbols, count in self._elements.items():
            elements.update(dict.fromkeys(symbols, count))
        sizes = sorted(self._sizes)
        total = sum(size * count for size, count in self._sizes.items())
        return {
            "rows": self.rows,
            "molecules": self.molecules,
            "rejects": dict(self.reasons.most_common()),
            "blank_lines": blank_lines,
            "damage": damage,
            "splits": dict(sorted(self.splits.items())),
            "files": {name: dict(counts) for name, counts in self.files.items()},
            "molecules_with_element": dict(sorted(elements.items(), key=lambda item: (-item[1], item[0]))),
            "heavy_atoms": {"min": sizes[0], "mean": total / self.molecules, "max": sizes[-1]} if sizes else {},
            "longest_smiles": self._longest,
            "properties": self._properties(),
        }

    def _properties(self) -> dict[str, dict[str, float]]:
        if not self._described:
            return {}
        mean = self._sum / self._described
        deviation = np.sqrt(np.maximum(self._squares / self._described - mean**2, 0))
        return {
            name: {"mean": float(m), "sd": float(d)} for name, m, d in zip(PROPERTIES, mean, deviation, strict=True)
        }
