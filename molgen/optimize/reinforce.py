"""`reinforce`: policy gradient on a SMILES model, with augmented likelihood and rank-prioritised replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core import seeds
from molgen.core.artifacts import write_json
from molgen.core.settings import Settings, read_yaml
from molgen.optimize.memory import Memory, replayed
from molgen.optimize.policy import Policy
from molgen.optimize.policy_settings import PolicySettings
from molgen.optimize.strategy import Context


class ReinforceSettings(PolicySettings):
    """How many draws a step, and how often the best so far are shown again."""

    batch: Annotated[int, Field(ge=1)] = 64  # draws a step
    replay: Annotated[int, Field(ge=0)] = 64  # molecules a step of replay
    replays: Annotated[int, Field(ge=0)] = 2  # steps of replay behind each step of draws
    sharpness: Annotated[float, Field(gt=0)] = 0.01  # of replay: a molecule of rank r weighs 1 / (sharpness * n + r)


class Reinforce:
    """The strategy. Its start molecules are its own draws."""

    Settings: ClassVar[type[Settings]] = ReinforceSettings
    model: ClassVar[str] = "smiles-zinc-gru"  # small: it is trained on after each round

    def __init__(self, settings: ReinforceSettings, context: Context) -> None:
        self.settings, self._seed = settings, context.seed
        self.policy = Policy(context.model, PolicySettings.of(settings), context.seed)
        self.memory, self.round = Memory(), 0

    def ask(self, n: int) -> list[str]:
        """Draws of the policy; those that were told of before are among them, as they teach as well."""
        return self.policy.draw(n)

    def tell(self, smiles: Sequence[str], values: np.ndarray) -> None:
        """One step on these, then `replays` steps on the best of all so far."""
        self.round += 1
        self.memory.add(smiles, values)
        self.policy.learn(smiles, values)
        generator = seeds.numpy_generator(self._seed, "replay", self.round)
        for _ in range(self.settings.replays if self.settings.replay and len(self.memory) else 0):
            chosen = replayed(self.memory, self.settings.replay, self.settings.sharpness, generator)
            self.policy.replay([self.memory.smiles[i] for i in chosen], self.memory.values[chosen])

    def save(self, folder: Path) -> None:
        """Writes what was told, the policy and the round."""
        self.memory.save(folder / "memory.parquet")
        self.policy.save(folder / "policy.safetensors")
        write_json(folder / "state.json", {"round": self.round})

    def load(self, folder: Path) -> None:
        """Goes on from what `save` wrote."""
        self.memory.load(folder / "memory.parquet")
        self.policy.load(folder / "policy.safetensors")
        self.round = int(read_yaml(folder / "state.json")["round"])
