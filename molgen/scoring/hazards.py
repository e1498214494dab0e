"""Hazards component: how many motifs of explosives, chemical weapons or controlled substances a molecule carries."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator
from rdkit import Chem

from molgen.chem.hazards import hazards, kinds
from molgen.core.errors import nearest
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each


class HazardsSettings(ComponentSettings):
    """`classes`: which classes of `molgen/chem/hazards.yaml` to count."""

    classes: tuple[str, ...] = Field(default_factory=kinds, min_length=1)

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        for name in classes:
            if name not in kinds():
                raise ValueError(f"unknown class of hazard {name!r}{nearest(name, kinds())}")
        return classes


class Hazards:
    """The number of distinct motifs of the chosen classes. Their names stand in the column `alerts` in any case."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {"max": 0.0}
    settings_class: ClassVar[type[ComponentSettings]] = HazardsSettings
    meaning = "distinct hazard motifs (explosive, chemical-weapon-like, controlled-substance-like)"
    usual = (0.0, 2.0)

    def __init__(self, settings: HazardsSettings) -> None:
        self.name, self.unit, self._classes = settings.name, "count", set(settings.classes)

    def score(self, molecules: Molecules) -> np.ndarray:
        """The count for each molecule."""
        return each(self._count, molecules)

    def _count(self, mol: Chem.Mol) -> float:
        return sum(found.kind in self._classes for found in hazards(mol))
