"""`genetic`: crossover and mutation with parents by quantiles of the values, steady state (Mol GA's idea).

Tripp and Hernandez-Lobato (2023): a large population, few children a generation, parents drawn by quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core import seeds
from molgen.core.artifacts import write_json
from molgen.core.settings import Settings, read_yaml
from molgen.optimize.memory import Memory, drawn, quantile_weights
from molgen.optimize.offspring import offspring
from molgen.optimize.strategy import Context


class GeneticSettings(Settings):
    """Sizes of the population and of a generation, and what a child may be."""

    start: Annotated[int, Field(ge=2)] = 500  # molecules of the start set that are scored before anything is bred
    batch: Annotated[int, Field(ge=1)] = 5  # children a generation
    population: Annotated[int, Field(ge=2)] = 10_000  # the best so many may be parents
    crossed: Annotated[float, Field(ge=0, le=1)] = 0.7  # share of attempts with two parents; the others are mutations
    largest: Annotated[int, Field(ge=2, le=200)] = 50  # heavy atoms of a child


class Genetic:
    """The strategy; its only state is what it was told and how often it was asked."""

    Settings: ClassVar[type[Settings]] = GeneticSettings

    def __init__(self, settings: GeneticSettings, context: Context) -> None:
        self.settings, self._start, self._seed = settings, context.start, context.seed
        self.memory, self.round = Memory(), 0
        self._begun = 0  # molecules taken from the start set

    def ask(self, n: int) -> list[str]:
        """Molecules of the start set until enough are scored, then children of those told of."""
        self.round += 1
        fresh = self.beginning(n)
        if fresh:
            return fresh
        generator = seeds.numpy_generator(self._seed, "genetic", self.round)
        return self.bred(n, generator)

    def beginning(self, n: int) -> list[str]:
        """The next molecules of the start set; [] once `start` of them are scored, or there are no more."""
        found: list[str] = []
        while len(found) < n and self._begun < self.settings.start:
            smiles = next(self._start, None)
            if smiles is None:
                break
            self._begun += 1
            found.append(smiles)
        return found

    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """Children, none of which was told of before."""
        order = self.memory.ranked()[: self.settings.population]
        parents = [self.memory.smiles[i] for i in order]
        if not parents:
            return []
        chosen = drawn(quantile_weights(len(parents)), 4 * n + 50, generator)
        return offspring(
            [parents[i] for i in chosen],
            n,
            generator,
            largest=self.settings.largest,
            crossed=self.settings.crossed,
            known=self.memory,
        )

    def tell(self, smiles: Sequence[str], values: np.ndarray) -> None:
        """Values of molecules, larger is better."""
        self.memory.add(smiles, values)

    def save(self, folder: Path) -> None:
        """Writes what was told and where the strategy is."""
        self.memory.save(folder / "memory.parquet")
        write_json(folder / "state.json", {"round": self.round, "begun": self._begun})

    def load(self, folder: Path) -> None:
        """Goes on from what `save` wrote."""
        self.memory.load(folder / "memory.parquet")
        state = read_yaml(folder / "state.json")
        self.round, begun = int(state["round"]), int(state["begun"])
        for _ in range(begun - self._begun):
            next(self._start, None)
        self._begun = begun
