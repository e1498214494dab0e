"""The diversity filter: a scaffold of which enough good molecules are known is worth nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from molgen.chem.parse import BadMolecule, parse
from molgen.chem.scaffolds import murcko


class ScaffoldMemory:
    """Counts the good molecules of each Murcko scaffold (acyclic molecules count as one)."""

    def __init__(self, per_scaffold: int, good: float) -> None:
        self.per_scaffold, self.good = per_scaffold, good
        self._scaffold: dict[str, str] = {}
        self._filled: Counter[str] = Counter()

    def judged(self, smiles: Sequence[str], values: np.ndarray) -> np.ndarray:
        """The values as a strategy is to see them, float64 (n,). A molecule keeps the place it got when it was new."""
        out = values.copy()
        for place, text in enumerate(smiles):
            if values[place] < self.good:
                continue
            if text not in self._scaffold:
                self._scaffold[text] = self._of(text)
                self._filled[self._scaffold[text]] += 1
                if self._filled[self._scaffold[text]] > self.per_scaffold:
                    self._scaffold[text] = ""
                    out[place] = 0.0
            elif self._scaffold[text] == "":
                out[place] = 0.0
        return out

    @staticmethod
    def _of(smiles: str) -> str:
        try:
            return murcko(parse(smiles)) or "acyclic"
        except BadMolecule:
            return "acyclic"
