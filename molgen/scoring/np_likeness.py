"""Natural-product likeness component."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from molgen.chem.np_likeness import np_likeness
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each


class NPLikenessSettings(ComponentSettings):
    """It has no parameters."""


class NPLikeness:
    """Ertl's score, about -5 (synthetic) to 5 (natural product)."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = NPLikenessSettings
    meaning = "natural-product likeness (Ertl), -5 synthetic to 5 natural"
    usual = (-4.0, 4.0)

    def __init__(self, settings: NPLikenessSettings) -> None:
        self.name, self.unit = settings.name, ""

    def score(self, molecules: Molecules) -> np.ndarray:
        """The score of each molecule."""
        return each(np_likeness, molecules)
