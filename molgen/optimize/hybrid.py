"""`hybrid`: genetic exploration, and a learned model of what was scored that decides which child is worth a call.

With `draws`, a policy that learns from the best joins in: its draws stand among the candidates, and what the genetic
search finds is replayed to it (Kim et al. 2024, genetic-guided GFlowNets).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core.settings import Settings
from molgen.optimize.genetic import GeneticSettings
from molgen.optimize.memory import replayed
from molgen.optimize.offspring import offspring
from molgen.optimize.picking import Picking, PickingSettings
from molgen.optimize.policy_settings import PolicySettings
from molgen.optimize.strategy import Context

if TYPE_CHECKING:
    from molgen.optimize.policy import Policy


class HybridSettings(PickingSettings, GeneticSettings, PolicySettings):
    """How candidates are bred, and the policy's part."""

    crossed: Annotated[float, Field(ge=0, le=1)] = 0.5
    draws: Annotated[int, Field(ge=0)] = 0  # of the policy a round; 0: no policy
    replay: Annotated[int, Field(ge=1)] = 32  # molecules that are replayed to the policy a round


class Hybrid(Picking):
    """The strategy."""

    Settings: ClassVar[type[Settings]] = HybridSettings
    settings: HybridSettings

    def __init__(self, settings: HybridSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.policy: Policy | None = None
        if settings.draws:
            from molgen.optimize.policy import Policy  # torch, which nothing else here needs

            self.policy = Policy(context.model, PolicySettings.of(settings), context.seed)

    def candidates(self, parents: Sequence[str], generator: np.random.Generator) -> list[str]:
        """Children of the parents."""
        return offspring(
            list(parents),
            self.settings.children,
            generator,
            largest=self.settings.largest,
            crossed=self.settings.crossed,
            known=self.memory,
        )

    def strangers(self, generator: np.random.Generator) -> Iterable[str]:
        """Draws of the policy, taught on the best so far first."""
        if self.policy is None:
            return []
        chosen = replayed(self.memory, self.settings.replay, 0.01, generator)
        self.policy.replay([self.memory.smiles[i] for i in chosen], self.memory.values[chosen])
        return self.policy.draw(self.settings.draws)

    def save(self, folder: Path) -> None:
        """As every population, and the policy."""
        super().save(folder)
        if self.policy is not None:
            self.policy.save(folder / "policy.safetensors")

    def load(self, folder: Path) -> None:
        """Goes on from what `save` wrote."""
        super().load(folder)
        if self.policy is not None:
            self.policy.load(folder / "policy.safetensors")
