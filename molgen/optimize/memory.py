"""What a strategy knows: every molecule it was told of, with its value, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from molgen.core import tables


class Memory:
    """Distinct molecules in the order in which they were told, and their values; larger is better."""

    def __init__(self) -> None:
        self.smiles: list[str] = []
        self._places: dict[str, int] = {}
        self._values: list[float] = []

    def __len__(self) -> int:
        return len(self.smiles)

    def __contains__(self, smiles: object) -> bool:
        return smiles in self._places

    @property
    def values(self) -> np.ndarray:
        """float64 (n,)."""
        return np.array(self._values)

    def add(self, smiles: Sequence[str], values: Sequence[float] | np.ndarray) -> None:
        """Takes note of molecules; of one that is known already, of its latest value."""
        for text, value in zip(smiles, values, strict=True):
            if text in self._places:
                self._values[self._places[text]] = float(value)
            else:
                self._places[text] = len(self.smiles)
                self.smiles.append(text)
                self._values.append(float(value))

    def ranked(self, first: int = 0) -> np.ndarray:
        """Numbers of the molecules that were told of from number `first` on, best first; of equals the older."""
        return first + np.argsort(-self.values[first:], kind="stable")

    def save(self, file: Path) -> None:
        """Writes a table of SMILES and values."""
        tables.write(file, pa.table({"smiles": pa.array(self.smiles, pa.string()), "value": self._values}))

    def load(self, file: Path) -> None:
        """Reads what `save` wrote."""
        rows = tables.read(file, columns=["smiles", "value"])
        self.__init__()  # type: ignore[misc]
        self.add(rows["smiles"].to_pylist(), rows["value"].to_numpy())


def quantile_weights(count: int) -> np.ndarray:
    """Cumulative weights, (count,), of drawing molecules ranked best first: each power of ten of ranks as often.

    A uniform number u gives the threshold count^-u of the ranks, and a molecule is drawn above it (Tripp and
    Hernandez-Lobato 2023, Mol GA). So the weight of rank r is the mean over u of [r <= t] / t.
    """
    thresholds = np.maximum(np.ceil(count * np.logspace(-3, 0, 25)), 1)
    ranks = np.arange(count)[:, None]
    return np.cumsum(np.mean((ranks < thresholds) / thresholds, axis=1))


def rank_weights(count: int, sharpness: float) -> np.ndarray:
    """Cumulative weights, (count,), of rank-based replay: 1 / (sharpness * count + rank) (Tripp et al. 2020)."""
    return np.cumsum(1 / (sharpness * count + np.arange(count)))


def drawn(weights: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """`count` numbers drawn with replacement with cumulative `weights`."""
    return np.searchsorted(weights, generator.random(count) * weights[-1], side="right")


def replayed(memory: Memory, count: int, sharpness: float, generator: np.random.Generator) -> np.ndarray:
    """Numbers of at most `count` distinct molecules of a memory, the better the likelier."""
    order = memory.ranked()
    return order[np.unique(drawn(rank_weights(len(order), sharpness), count, generator))]
