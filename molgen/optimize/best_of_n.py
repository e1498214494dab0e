"""`best-of-n`: the start molecules (draws of the model) as they come. What every other strategy must beat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core.artifacts import write_json
from molgen.core.settings import Settings, read_yaml
from molgen.optimize.strategy import MODEL, Context


class BestOfNSettings(Settings):
    """Only how many are scored at a time."""

    batch: Annotated[int, Field(ge=1)] = 100


class BestOfN:
    """The strategy; it learns nothing."""

    Settings: ClassVar[type[Settings]] = BestOfNSettings
    model: ClassVar[str] = MODEL

    def __init__(self, settings: BestOfNSettings, context: Context) -> None:
        self.settings, self._start = settings, context.start
        self._taken = 0

    def ask(self, n: int) -> list[str]:
        """The next of the start molecules."""
        found = list(islice(self._start, n))
        self._taken += len(found)
        return found

    def tell(self, smiles: Sequence[str], values: np.ndarray) -> None:
        """Nothing is learnt."""

    def save(self, folder: Path) -> None:
        """Writes how many were taken."""
        write_json(folder / "state.json", {"taken": self._taken})

    def load(self, folder: Path) -> None:
        """Goes on behind those."""
        taken = int(read_yaml(folder / "state.json")["taken"])
        self._taken += len(list(islice(self._start, taken)))
