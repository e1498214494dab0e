"""Scaffold count component: how often a molecule's Murcko scaffold stands in a reference."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from molgen.chem.scaffolds import murcko
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each
from molgen.scoring.scaffold_novelty import ScaffoldSettings


class ScaffoldCount:
    """How many molecules of the reference have the scaffold; 0 for a new one, and for a molecule without rings."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = ScaffoldSettings
    meaning = "molecules of the reference file that have the same Murcko scaffold"

    def __init__(self, settings: ScaffoldSettings) -> None:
        self.name, self.unit = settings.name, "count"
        self._known = settings.reference_file.counts("scaffold")
        self.usual = (0.0, float(max(self._known.values(), default=1)))

    def score(self, molecules: Molecules) -> np.ndarray:
        """The count for each molecule."""
        return each(lambda mol: self._known.get(murcko(mol), 0), molecules)
