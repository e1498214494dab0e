"""Settings of a predictor."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from molgen.core.settings import Settings


class PredictorSettings(Settings):
    """What is fitted, and how sure its intervals are."""

    kind: Literal["forest", "boosted", "bayes", "network"] = "forest"
    task: Literal["auto", "regression", "classification"] = "auto"  # auto: two different values are classes
    active: float | None = None  # classification: what is at least this is active; None: the larger of two values
    trees: Annotated[int, Field(ge=2, le=5000)] = 200  # of the forest; steps of boosting
    features: Annotated[float, Field(gt=0, le=1)] = 0.1  # share of the features that a split of the forest looks at
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.08  # of boosting
    folds: Annotated[int, Field(ge=2, le=20)] = 5  # of the out-of-fold predictions that calibrate (not forest)
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 50  # of each network
    width: Annotated[int, Field(ge=8, le=1024)] = 64
    layers: Annotated[int, Field(ge=1, le=16)] = 3
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    rate: Annotated[float, Field(gt=0, le=1)] = 2e-3  # learning rate of the networks
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.9  # of the intervals
    domain: Annotated[float, Field(ge=0, le=0.5)] = 0.05  # share of the training molecules that are outside the domain
