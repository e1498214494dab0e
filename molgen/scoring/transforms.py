"""Transforms: a component's raw value to its desirability, 0 (bad) to 1 (good). NaN stays NaN.

The sigmoids reach 0.05 and 0.95 at the two ends that they are given, so that `low` and `high` are read as
"practically bad" and "practically good" (Harrington, Ind. Qual. Control 1965, 21, 494, for the idea of desirability).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from molgen.core.errors import SettingsError, nearest
from molgen.core.settings import Settings

LOGIT_95 = float(np.log(0.95 / 0.05))


def _logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow at either end."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


class Transform(Settings):
    """`transform(values)` maps float64 to float64 in [0, 1], elementwise; this one (`none`) clips."""

    type: str

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The desirability of each value."""
        with np.errstate(over="ignore"):  # far outside, where the answer is 0 or 1 all the same
            return self._map(values)

    def _map(self, values: np.ndarray) -> np.ndarray:
        return np.clip(values, 0.0, 1.0)

    @property
    def in_words(self) -> str:
        """What is good, in a few words."""
        return "the value as it is, more is better"

    @property
    def span(self) -> tuple[float, float] | None:
        """The values between which something happens, for a picture; None if that does not depend on the transform."""
        return None


class _Window(Transform):
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low = {self.low:g} must be below high = {self.high:g}")
        return self

    @property
    def span(self) -> tuple[float, float]:
        return self.low, self.high


class Sigmoid(_Window):
    """Rises with the value: 0.05 at `low`, 0.5 halfway, 0.95 at `high`."""

    def _map(self, values: np.ndarray) -> np.ndarray:
        return _logistic(self._steepness * (values - (self.low + self.high) / 2))

    @property
    def in_words(self) -> str:
        return f"more is better: practically bad (0.05) at {self.low:g}, practically good (0.95) at {self.high:g}"

    @property
    def _steepness(self) -> float:
        return 2 * LOGIT_95 / (self.high - self.low)


class ReverseSigmoid(Sigmoid):
    """Falls with the value: 0.95 at `low`, 0.5 halfway, 0.05 at `high`."""

    def _map(self, values: np.ndarray) -> np.ndarray:
        return _logistic(-self._steepness * (values - (self.low + self.high) / 2))

    @property
    def in_words(self) -> str:
        return f"less is better: practically good (0.95) at {self.low:g}, practically bad (0.05) at {self.high:g}"


class DoubleSigmoid(_Window):
    """A soft window: about 1 between `low` and `high`, 0.5 at each end, 0.05 at `margin` outside of it."""

    margin: float = Field(gt=0, allow_inf_nan=False)

    def _map(self, values: np.ndarray) -> np.ndarray:
        steepness = LOGIT_95 / self.margin
        return _logistic(steepness * (values - self.low)) * _logistic(-steepness * (values - self.high))

    @property
    def in_words(self) -> str:
        return f"good between {self.low:g} and {self.high:g} (0.5 at each), bad (0.05) {self.margin:g} outside"

    @property
    def span(self) -> tuple[float, float]:
        return self.low - 1.5 * self.margin, self.high + 1.5 * self.margin


class Gaussian(Transform):
    """A bell: 1 at `mean`, 0.61 at one `sd` from it."""

    mean: float = Field(allow_inf_nan=False)
    sd: float = Field(gt=0, allow_inf_nan=False)

    def _map(self, values: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * ((values - self.mean) / self.sd) ** 2)

    @property
    def in_words(self) -> str:
        return f"best at {self.mean:g}, 0.61 at {self.sd:g} from it, 0.14 at {2 * self.sd:g}"

    @property
    def span(self) -> tuple[float, float]:
        return self.mean - 3 * self.sd, self.mean + 3 * self.sd


class Step(Transform):
    """1 from `min` to `max` (both included, either may be left out), 0 outside."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min = {self.min:g} is above max = {self.max:g}")
        return self

    def _map(self, values: np.ndarray) -> np.ndarray:
        low = -np.inf if self.min is None else self.min
        high = np.inf if self.max is None else self.max
        return np.where(np.isnan(values), values, ((values >= low) & (values <= high)).astype(np.float64))

    @property
    def in_words(self) -> str:
        if self.min is not None and self.max is not None:
            return f"good (1) from {self.min:g} to {self.max:g}, worthless (0) outside"
        return (
            f"good (1) from {self.min:g} on, else 0" if self.min is not None else f"good (1) up to {self.max:g}, else 0"
        )

    @property
    def span(self) -> tuple[float, float]:
        ends = [end for end in (self.min, self.max) if end is not None]
        return ends[0], ends[-1]


class Linear(_Window):
    """A ramp: 0 up to `low`, 1 from `high` on; the other way round with `decreasing: true`."""

    decreasing: bool = False

    def _map(self, values: np.ndarray) -> np.ndarray:
        ramp = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        return 1.0 - ramp if self.decreasing else ramp

    @property
    def in_words(self) -> str:
        if self.decreasing:
            return f"less is better: 1 up to {self.low:g}, 0 from {self.high:g} on, a ramp between"
        return f"more is better: 0 up to {self.low:g}, 1 from {self.high:g} on, a ramp between"


class ValueMap(Transform):
    """A table from single values to desirabilities (`map: {0: 1, 1: 0.5}`), and `other` for every other value."""

    map: dict[float, float] = Field(min_length=1)
    other: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        for value, desirability in self.map.items():
            if not 0 <= desirability <= 1:
                raise ValueError(f"map: {value:g} -> {desirability:g} is not in 0 to 1")
        return self

    def _map(self, values: np.ndarray) -> np.ndarray:
        mapped = [v if np.isnan(v) else self.map.get(v, self.other) for v in np.ravel(values).tolist()]
        return np.array(mapped, np.float64).reshape(np.shape(values))

    @property
    def in_words(self) -> str:
        known = ", ".join(f"{value:g} -> {desirability:g}" for value, desirability in self.map.items())
        return f"by a table: {known}; any other value -> {self.other:g}"

    @property
    def span(self) -> tuple[float, float]:
        return min(self.map), max(self.map)


TRANSFORMS: dict[str, type[Transform]] = {
    "none": Transform,
    "sigmoid": Sigmoid,
    "reverse_sigmoid": ReverseSigmoid,
    "double_sigmoid": DoubleSigmoid,
    "gaussian": Gaussian,
    "step": Step,
    "linear": Linear,
    "value_map": ValueMap,
}


def read_transform(values: Any) -> Transform:
    """The transform that a mapping (or a bare name, `none`) describes; SettingsError if there is none such."""
    if isinstance(values, Transform):
        return values
    if isinstance(values, str):
        values = {"type": values}
    if not isinstance(values, dict) or "type" not in values:
        raise SettingsError(f"transform: expected `type: ...` with its parameters, found {values!r}")
    if values["type"] not in TRANSFORMS:
        raise SettingsError(f"transform: unknown type {values['type']!r}{nearest(str(values['type']), TRANSFORMS)}")
    return TRANSFORMS[values["type"]].parse(values, where=f"transform {values['type']}")
