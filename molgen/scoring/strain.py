"""Strain component: rings that can hardly be closed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from molgen.chem.strain import strained_motifs
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each


class Strain:
    """The number of strained motifs of a molecule (`molgen.chem.strain`); 0 for most."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {"max": 0}
    settings_class: ClassVar[type[ComponentSettings]] = ComponentSettings
    meaning = "kinds of strained ring motifs, such as a double bond in a three-membered ring"

    def __init__(self, settings: ComponentSettings) -> None:
        self.name, self.unit = settings.name, "count"
        self.usual = (0.0, 2.0)

    def score(self, molecules: Molecules) -> np.ndarray:
        """The count for each molecule."""
        return each(lambda mol: len(strained_motifs(mol)), molecules)
