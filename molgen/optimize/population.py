"""What strategies that breed have in common: start molecules first, then children of what was scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from molgen.core import seeds
from molgen.core.artifacts import write_json
from molgen.core.settings import Settings, read_yaml
from molgen.optimize.memory import Memory
from molgen.optimize.strategy import MODEL, Context


class PopulationSettings(Settings):
    """Sizes of the population and of a generation."""

    start: Annotated[int, Field(ge=2)] = 500  # molecules of the start set that are scored before anything is bred
    batch: Annotated[int, Field(ge=1)] = 5  # children a generation
    population: Annotated[int, Field(ge=2)] = 10_000  # the best so many may be parents


class Population(ABC):
    """A strategy whose only state is what it was told and how often it was asked. What differs is how it breeds."""

    model: ClassVar[str] = MODEL
    settings: Any

    def __init__(self, settings: Any, context: Context) -> None:
        self.settings, self._start, self._seed = settings, context.start, context.seed
        self.memory, self.round = Memory(), 0
        self._begun, self._due = 0, settings.start  # molecules taken from the start set, and to be taken
        self.first, self.since = 0, 0  # numbers in the memory: what counts begins there, and when that was decided

    def ask(self, n: int) -> list[str]:
        """Molecules of the start set until enough are scored, then children of those told of."""
        self.round += 1
        fresh = self.beginning(n)
        if fresh:
            return fresh
        return self.bred(n, seeds.numpy_generator(self._seed, "genetic", self.round))

    def beginning(self, n: int) -> list[str]:
        """The next molecules of the start set; [] once those that are due are scored, or there are no more."""
        found: list[str] = []
        while len(found) < n and self._begun < self._due:
            smiles = next(self._start, None)
            if smiles is None:
                break
            self._begun += 1
            found.append(smiles)
        return found

    @abstractmethod
    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """At most n children, none of which was told of before."""

    def tell(self, smiles: Sequence[str], values: np.ndarray) -> None:
        """Values of molecules, larger is better."""
        self.memory.add(smiles, values)

    def save(self, folder: Path) -> None:
        """Writes what was told and where the strategy is."""
        self.memory.save(folder / "memory.parquet")
        state = {"round": self.round, "begun": self._begun, "due": self._due, "first": self.first, "since": self.since}
        write_json(folder / "state.json", state)

    def load(self, folder: Path) -> None:
        """Goes on from what `save` wrote."""
        self.memory.load(folder / "memory.parquet")
        state = read_yaml(folder / "state.json")
        self.round, begun, self._due = (int(state[key]) for key in ("round", "begun", "due"))
        self.first, self.since = int(state["first"]), int(state["since"])
        for _ in range(begun - self._begun):
            next(self._start, None)
        self._begun = begun
