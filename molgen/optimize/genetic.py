"""`genetic`: crossover and mutation with parents by quantiles of the values, steady state (Mol GA's idea).

Tripp and Hernandez-Lobato (2023): a large population, few children a generation, parents drawn by quantiles.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core.settings import Settings
from molgen.optimize.memory import drawn, quantile_weights
from molgen.optimize.offspring import offspring
from molgen.optimize.population import Population, PopulationSettings


class GeneticSettings(PopulationSettings):
    """How children are made, and what a child may be."""

    crossed: Annotated[float, Field(ge=0, le=1)] = 0.7  # share of attempts with two parents; the others are mutations
    largest: Annotated[int, Field(ge=2, le=200)] = 50  # heavy atoms of a child


class Genetic(Population):
    """The strategy."""

    Settings: ClassVar[type[Settings]] = GeneticSettings

    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """Children of the best so far."""
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
