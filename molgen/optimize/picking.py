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
    patience: Annotated[int, Field(ge=0)] = 300  # calls without a gain after which it begins anew; 0: never


GAIN = 0.02  # less is none: of the mean of the best ten, as a share of all that was gained
SHARE = 1 / 4  # of the calls since it began (anew) that are to have brought nothing as well


class Picking(Population):
    """A strategy that scores the most promising of its candidates. What differs is how these are made."""

    def ask(self, n: int) -> list[str]:
        """As every population. A search that is stuck begins anew, from further molecules of the start set alone; one
        that is stuck again goes on from all that was found."""
        if self._is_stuck():
            fresh: list[str] = []
            if not self.first:
                self._due += self.settings.start
                fresh = self.beginning(n)
            self.first, self.since = len(self.memory) if fresh else 0, len(self.memory)
            if fresh:
                return fresh
        return super().ask(n)

    def _is_stuck(self) -> bool:
        values, start, calls = self.memory.values[self.first :], self.settings.start, len(self.memory) - self.since
        patience = max(self.settings.patience, int(SHARE * calls))
        if not self.settings.patience or calls < patience + (start if self.first == self.since else 0):
            return False
        best, before, low = (np.sort(part)[-10:].mean() for part in (values, values[:-patience], values[:start]))
        return bool(best - before <= GAIN * (best - low))

    @abstractmethod
    def candidates(self, parents: Sequence[str], generator: np.random.Generator) -> Iterable[str]:
        """Candidates made from parents, which were drawn for their promise and may repeat."""

    def strangers(self, generator: np.random.Generator) -> Iterable[str]:
        """Candidates that come from no parents, once a round."""
        return []

    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """The most promising of the candidates of a round."""
        if len(self.memory) - self.first < 2:
            return []
        surrogate = self._fitted(generator)
        order = self.memory.ranked(self.first)[: self.settings.population]
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
        order, size = self.memory.ranked(self.first), self.settings.learnt
        if len(order) > size:
            best, rest = order[: size // 2], order[size // 2 :]
            rest = np.sort(rest)
            latest, others = rest[-(size // 4) :], rest[: -(size // 4)]
            some = generator.choice(others, min(size - len(best) - len(latest), len(others)), replace=False)
            order = np.concatenate([best, latest, some])
        return Surrogate().fit([self.memory.smiles[i] for i in order], self.memory.values[order])
