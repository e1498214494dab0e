"""What every component of an objective has: the `Scorer` protocol, and the settings common to all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import Field, SerializeAsAny, field_validator
from rdkit import Chem

from molgen.core.settings import Settings
from molgen.scoring.transforms import Transform, read_transform

Molecules = Sequence[Chem.Mol | None]
NO_VALUE = float("nan")
FAILURES = (ArithmeticError, RuntimeError, ValueError)  # RDKit's ways of giving up on one odd molecule
BOUNDS = dict[str, float]


class Scorer(Protocol):
    """Gives each molecule one number.

    `unit` is what the number counts ("" for a pure number); `meaning` says in a few words what it is, and `usual` where
    it lies for drug-like molecules, or NaN (for `molgen objective`). `unit_range` tells that it lies in [0, 1] and so
    can stand in an objective without a transform; `default_bounds` is what a hard filter without `min` and `max` asks.
    """

    name: str
    unit: str
    meaning: str
    usual: tuple[float, float]
    unit_range: ClassVar[bool]
    default_bounds: ClassVar[BOUNDS]
    settings_class: ClassVar[type[ComponentSettings]]

    def __init__(self, settings: Any) -> None: ...

    def score(self, molecules: Molecules) -> np.ndarray:
        """One float64 a molecule, in their order. NaN: no value for this molecule (None always has none)."""
        ...


class ComponentSettings(Settings):
    """A component as it stands in an objective; each kind adds its own parameters."""

    name: str = Field(min_length=1, pattern=r"^[^;.]+$")
    type: str
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    transform: SerializeAsAny[Transform] | None = None

    @field_validator("transform", mode="before")
    @classmethod
    def _transform(cls, values: Any) -> Transform | None:
        return None if values is None else read_transform(values)


def each(function: Callable[[Chem.Mol], float], molecules: Molecules) -> np.ndarray:
    """`function` of every molecule as float64; NaN for None and where RDKit has no value for the molecule."""
    return np.array([_value(function, mol) for mol in molecules], np.float64)


def _value(function: Callable[[Chem.Mol], float], mol: Chem.Mol | None) -> float:
    if mol is None:
        return NO_VALUE
    try:
        return function(mol)
    except FAILURES:
        return NO_VALUE
