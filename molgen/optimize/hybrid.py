"""`hybrid`: genetic exploration, and a learned model of what was scored that decides which child is worth a call.

Each round breeds some generations of children within a Gaussian process's picture of the objective, and only the most
promising ones are scored, each under another trade of value against doubt (as Tripp and Hernandez-Lobato 2023 maximise
the acquisition function by a genetic search). With `draws`, a policy that learns from the best joins in: its draws
stand among the candidates, and what the genetic search finds is replayed to it (Kim et al. 2024, genetic-guided
GFlowNets).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core.settings import Settings
from molgen.optimize.genetic import Genetic, GeneticSettings
from molgen.optimize.memory import drawn, quantile_weights, replayed
from molgen.optimize.offspring import offspring
from molgen.optimize.policy_settings import PolicySettings
from molgen.optimize.strategy import Context
from molgen.optimize.surrogate import Surrogate

if TYPE_CHECKING:
    from molgen.optimize.policy import Policy


class HybridSettings(GeneticSettings, PolicySettings):
    """Sizes of the inner search, of what the surrogate learns from, and of the policy's part."""

    start: Annotated[int, Field(ge=2)] = 100
    batch: Annotated[int, Field(ge=1)] = 20
    crossed: Annotated[float, Field(ge=0, le=1)] = 0.5
    population: Annotated[int, Field(ge=2)] = 1_000
    children: Annotated[int, Field(ge=1)] = 100  # bred in each generation of a round
    generations: Annotated[int, Field(ge=1)] = 2
    learnt: Annotated[int, Field(ge=8)] = 1_500  # molecules that the surrogate learns from: half of them the best
    least_doubt: float = -2.0  # a candidate's promise is mean + 10^x deviations, x uniform from here
    most_doubt: float = 0.0  # to here
    draws: Annotated[int, Field(ge=0)] = 0  # of the policy a round; 0: no policy
    replay: Annotated[int, Field(ge=1)] = 32  # molecules that are replayed to the policy a round


class Hybrid(Genetic):
    """The strategy."""

    Settings: ClassVar[type[Settings]] = HybridSettings
    settings: HybridSettings

    def __init__(self, settings: HybridSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.policy: Policy | None = None
        if settings.draws:
            from molgen.optimize.policy import Policy  # torch, which nothing else here needs

            self.policy = Policy(context.model, PolicySettings.of(settings), context.seed)

    def bred(self, n: int, generator: np.random.Generator) -> list[str]:
        """The most promising of the candidates of a round."""
        if len(self.memory) < 2:
            return []
        surrogate = self._fitted(generator)
        order = self.memory.ranked()[: self.settings.population]
        known = dict(zip([self.memory.smiles[i] for i in order], self.memory.values[order].tolist(), strict=True))
        found: dict[str, tuple[float, float]] = {}  # mean and deviation of each candidate
        if self.policy is not None:
            self._judge(self._drawn(generator), surrogate, found)
        for _ in range(self.settings.generations):
            doubt = self._doubt(generator)
            promise = known | {smiles: mean + doubt * spread for smiles, (mean, spread) in found.items()}
            self._judge(self._children(promise, generator), surrogate, found)
        return self._picked(n, found, generator)

    def _children(self, promise: dict[str, float], generator: np.random.Generator) -> list[str]:
        """Children of the molecules of most promise, scored ones and candidates alike."""
        parents = sorted(promise, key=lambda smiles: -promise[smiles])
        chosen = drawn(quantile_weights(len(parents)), 4 * self.settings.children, generator)
        return offspring(
            [parents[i] for i in chosen],
            self.settings.children,
            generator,
            largest=self.settings.largest,
            crossed=self.settings.crossed,
            known=self.memory,
        )

    def _drawn(self, generator: np.random.Generator) -> list[str]:
        """Draws of the policy, taught on the best so far first."""
        assert self.policy is not None
        chosen = replayed(self.memory, self.settings.replay, 0.01, generator)
        self.policy.replay([self.memory.smiles[i] for i in chosen], self.memory.values[chosen])
        return self.policy.draw(self.settings.draws)

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

    def save(self, folder: Path) -> None:
        """As `Genetic`, and the policy."""
        super().save(folder)
        if self.policy is not None:
            self.policy.save(folder / "policy.safetensors")

    def load(self, folder: Path) -> None:
        """Goes on from what `save` wrote."""
        super().load(folder)
        if self.policy is not None:
            self.policy.load(folder / "policy.safetensors")
