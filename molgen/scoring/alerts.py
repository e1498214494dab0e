"""Alerts component: how many structural alerts a molecule carries."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from molgen.chem.alerts import DEFAULT_SETS, SETS, alerts
from molgen.core.errors import nearest
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each


class AlertsSettings(ComponentSettings):
    """`sets`: which of `molgen.chem.alerts.SETS` to count."""

    sets: tuple[str, ...] = Field(default=DEFAULT_SETS, min_length=1)

    @field_validator("sets")
    @classmethod
    def _known(cls, sets: tuple[str, ...]) -> tuple[str, ...]:
        for name in sets:
            if name not in SETS:
                raise ValueError(f"unknown alert set {name!r}{nearest(name, SETS)}")
        return sets


class Alerts:
    """The number of distinct alerts of the chosen sets."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {"max": 0.0}
    settings_class: ClassVar[type[ComponentSettings]] = AlertsSettings
    usual = (0.0, 6.0)

    def __init__(self, settings: AlertsSettings) -> None:
        self.name, self.unit, self.sets = settings.name, "count", settings.sets
        self.meaning = f"distinct structural alerts of {', '.join(settings.sets)}"

    def score(self, molecules: Molecules) -> np.ndarray:
        """The count for each molecule."""
        return each(lambda mol: len(alerts(mol, self.sets)), molecules)

    def count(self, names: list[list[str] | None]) -> np.ndarray:
        """The same numbers from alerts that were found already, for these sets and perhaps others besides."""
        parts = {part.upper() for name in self.sets for part in SETS[name]}
        counts = [np.nan if found is None else sum(n.split(":", 1)[0] in parts for n in found) for found in names]
        return np.array(counts, np.float64)
