"""Substructure component: SMARTS patterns that a molecule must have or must not have."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import field_validator, model_validator
from rdkit import Chem

from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each


class SubstructureSettings(ComponentSettings):
    """SMARTS, at least one in all."""

    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    @field_validator("required", "forbidden")
    @classmethod
    def _parsed(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for smarts in patterns:
            if not smarts or Chem.MolFromSmarts(smarts) is None:
                raise ValueError(f"{smarts!r} is not SMARTS")
        return patterns

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.required and not self.forbidden:
            raise ValueError("give `required` or `forbidden` SMARTS")
        both = [smarts for smarts in self.required if smarts in self.forbidden]
        if both:
            raise ValueError(f"{both[0]!r} is both required and forbidden; no molecule can pass")
        return self


class Substructure:
    """The fraction of conditions met, 0 to 1: required patterns that are there, forbidden ones that are not."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {"min": 1.0}
    settings_class: ClassVar[type[ComponentSettings]] = SubstructureSettings
    usual = (0.0, 1.0)

    def __init__(self, settings: SubstructureSettings) -> None:
        self.name, self.unit = settings.name, "fraction"
        self.meaning = "fraction of the conditions met: " + "; ".join(
            [f"has {smarts}" for smarts in settings.required] + [f"lacks {smarts}" for smarts in settings.forbidden]
        )
        wanted = [(smarts, True) for smarts in settings.required] + [(smarts, False) for smarts in settings.forbidden]
        self._conditions = [(Chem.MolFromSmarts(smarts), there) for smarts, there in wanted]

    def score(self, molecules: Molecules) -> np.ndarray:
        """The fraction for each molecule."""
        return each(self._fraction, molecules)

    def _fraction(self, mol: Chem.Mol) -> float:
        met = sum(mol.HasSubstructMatch(pattern) == there for pattern, there in self._conditions)
        return met / len(self._conditions)
