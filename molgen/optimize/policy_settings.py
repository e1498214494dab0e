"""Settings of a policy, apart from it so that reading them loads no network."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from molgen.core.settings import Settings


class PolicySettings(Settings):
    """How the policy learns."""

    sigma: Annotated[float, Field(gt=0)] = 500.0  # what a value of 1 adds to the log-probability, in nats
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 5e-4
    augmented: bool = False  # what is replayed is written in random spellings, where the model knows these

    @classmethod
    def of(cls, settings: PolicySettings) -> Self:
        """The policy's own part of a strategy's settings."""
        return cls(**{name: getattr(settings, name) for name in PolicySettings.model_fields})
