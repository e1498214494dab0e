"""Settings of the training loop; a family's own stand beside its class."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from molgen.core.machine import Precision
from molgen.core.settings import Settings


class CalibrationSettings(Settings):
    """What of the draws is held against the training molecules, and how much that counts."""

    draws: Annotated[int, Field(ge=0)] = 0  # a step and device; 0: no calibration
    shown: Annotated[int, Field(ge=1)] = 256  # of these, chosen by what they tell, are in the gradient
    weight: Annotated[float, Field(gt=0)] = 2.0  # of the divergence of a draw, against a molecule's nats
    limit: Annotated[float, Field(gt=0)] = 4.0  # nats that what no training molecule is counts as
    properties: tuple[str, ...] = ()  # columns of the store whose distribution the draws should have
    asked: Annotated[int, Field(ge=0)] = 0  # further draws, each asked for properties of a training molecule
    spread: Annotated[float, Field(gt=0)] = 0.25  # standard deviations that one of these is off for half a nat
    filters: bool = False  # whether a draw that the filters of MOSES stop counts as no molecule

    @model_validator(mode="after")
    def _asked_are_beside_draws(self) -> Self:
        if self.asked and not self.draws:
            raise ValueError("calibration.asked: further draws; give calibration.draws as well")
        return self


class TrainingSettings(Settings):
    """How long and how fast. Length counts molecules, so that a result does not depend on the machine's speed."""

    molecules: Annotated[int, Field(ge=1)] = 1_000_000  # seen in all, repeats counted
    batch_size: Annotated[int, Field(ge=1)] = 256  # over all devices
    optimizer: Literal["adamw", "muon"] = "adamw"  # muon: for the matrices inside the network; AdamW for the rest
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    code_rate: Annotated[float, Field(gt=0)] = 1.0  # times that rate, for layers that read codes (a tally is one)
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.02  # share of the run in which the rate rises
    hold: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the run after which the rate falls (cosine)
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of the rate left at the end
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    logits_floor: Annotated[float, Field(ge=0)] = 0.0  # of one molecule's gradient, in layers that write logits: AdamW
    # makes no full step of less, by which a class that few batches show would become rarer than it is
    clip: Annotated[float, Field(gt=0)] = 1.0  # greatest norm of the gradient
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999  # decay of the weights' moving average (EMA)
    precision: Precision = "auto"  # auto: bf16 where the device computes it natively
    save_precision: Literal["bf16", "fp32"] = "fp32"
    validate_every: Annotated[int, Field(ge=1)] | None = None  # molecules; None: an epoch, at most 100,000
    validation_molecules: Annotated[int, Field(ge=1)] = 5_000
    patience: Annotated[int, Field(ge=0)] = 0  # validations without a better loss before stopping; 0: never
    keep: Literal["best", "last"] = "best"  # weights: those with the lowest validation loss, or the last ones
    seed: Annotated[int, Field(ge=0)] = 0
    calibration: CalibrationSettings = CalibrationSettings()


class AdapterSettings(Settings):
    """Low-rank adapters (LoRA): they are trained in place of the weights and stored apart from them."""

    rank: Annotated[int, Field(ge=1, le=256)] = 8
    alpha: Annotated[float, Field(gt=0)] = 16.0  # the adapters' part counts alpha / rank
    layers: tuple[str, ...] | None = None  # names of the linear layers; None: all within the network


class RunSettings(Settings):
    """The whole of `train --config`: `model` is checked by the family."""

    model: dict[str, Any] = Field(default_factory=dict)
    training: TrainingSettings = TrainingSettings()
    start: str | None = None  # folder or shipped name of the model that the training begins with
    vocabulary: Literal["start", "store"] = "start"  # whose tokens, greatest length and properties the model has
    adapter: AdapterSettings | None = None

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if self.adapter is not None and self.start is None:
            raise ValueError("adapter: adapters change a trained model; name it as start")
        if self.vocabulary == "store" and (self.start is None or self.adapter is not None):
            raise ValueError("vocabulary: store is for a training in full from a model; name it as start")
        return self
