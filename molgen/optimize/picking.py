"""What strategies that pick have in common: many candidates a round, of which a surrogate says which are worth a call.

Each round makes some generations of candidates within a Gaussian process's picture of the objective, and only the most
promising ones are scored, each under another trade of value against doubt (as Tripp and Hernandez-Lobato 2023 maximise
the acquisition function by a genetic search).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from molgen.optimize.memory import drawn, quantile_weights
from molgen.optimize.population import Population, PopulationSettings
from molgen.optimize.surrogate import Surrogate


class PickingSettings(PopulationSettings):
    """Sizes of the inner search, and of what the surrogate learns from."""

    start: Annotated[int, Field(ge=2)] = 100
    batch: Annotated[int, Field(ge=1)] = 20
    population: Annotated[int, Field(ge=2)] = 1_000
    children: Annotated[int, Field(ge=1)] = 100  # candidates made in each generation of a round
    generations: Annotated[int, Field(ge=1)] = 2
    learnt: Annotated[int, Field(ge=8)] = 1_500  # molecules that the surrogate learns from: half of them the best
    least_doubt: float = -2.0  # a candidate's promise is mean + 10^x deviations, x uniform from here
    most_doubt: float = 0.0  # to here


class Picking(Population):
    """A strategy that scores the most promising of its candidates. What differs is how these are made."""

    @abstractmethod
    def candidates(self, parents: Sequence[str], generator: np.random.Generator) -> Iterable[str]:
        """Candidates made from parents, which were drawn for their promise and may repeat."""

    def strangers(self, generator: np.random.Generator) -> Iterable[str]:
        """Candidates that come from no parents, once a round."""
        return []

    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """The most promising of the candidates of a round."""
        if len(self.memory) < 2:
            return []
        surrogate = self._fitted(generator)
        order = self.memory.ranked()[: self.settings.population]
        known = dict(zip([self.memory.smiles[i] for i in order], self.memory.values[order].tolist(), strict=True))
        found: dict[str, tuple[float, float]] = {}  # mean and deviation of each candidate
        self._judge(self.strangers(generator), surrogate, found)
        for _ in range(self.settings.generations):
            doubt = self._doubt(generator)
            promise = known | {smiles: mean + doubt * spread for smiles, (mean, spread) in found.items()}
            parents = sorted(promise, key=lambda smiles: -promise[smiles])
            chosen = drawn(quantile_weights(len(parents)), 4 * self.settings.children, generator)
            self._judge(self.candidates([parents[i] for i in chosen], generator), surrogate, found)
        return self._picked(n, found, generator)

    def _judge(self, smiles: Iterable[str], surrogate: Surrogate, found: dict[str, tuple[float, float]]) -> None:
        new = [text for text in smiles if text not in found and text not in self.memory]
        if new:
            found.update(zip(new, zip(*(part.tolist() for part in surrogate.predict(new)), strict=True), strict=True))

    def _picked(self, n: int, found: dict[str, tuple[float, float]], generator: np.random.Generator) -> list[str]:
        names, judged = list(found), np.array(list(found.values())).reshape(-1, 2)
        left = np.ones(len(names), bool)
        picks: list[str] = []
        for _ in range(min(n, len(names))):
            best = int(np.argmax(np.where(left, judged[:, 0] + self._doubt(generator) * judged[:, 1], -np.inf)))
            left[best] = False
            picks.append(names[best])
        return picks

    def _doubt(self, generator: np.random.Generator) -> float:
        return float(10 ** generator.uniform(self.settings.least_doubt, self.settings.most_doubt))

    def _fitted(self, generator: np.random.Generator) -> Surrogate:
        """A surrogate of all that was told, or of the best half of `learnt`, the latest quarter, and some others."""
        order, size = self.memory.ranked(), self.settings.learnt
        if len(order) > size:
            best, rest = order[: size // 2], order[size // 2 :]
            rest = np.sort(rest)
            latest, others = rest[-(size // 4) :], rest[: -(size // 4)]
            some = generator.choice(others, min(size - len(best) - len(latest), len(others)), replace=False)
            order = np.concatenate([best, latest, some])
        return Surrogate().fit([self.memory.smiles[i] for i in order], self.memory.values[order])
