"""Scaffold novelty component: whether a molecule's Murcko scaffold is new."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rdkit import Chem

from molgen.chem.scaffolds import murcko
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each
from molgen.scoring.reference import ReferenceFile


class ScaffoldSettings(ComponentSettings):
    """`reference_file`: molecules, or a table of scaffolds and their counts (`molgen.scoring.reference`)."""

    reference_file: ReferenceFile


class ScaffoldNovelty:
    """1 if the scaffold is not among those of the reference, else 0; 0 for a molecule without rings, which has none."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {"min": 1.0}
    settings_class: ClassVar[type[ComponentSettings]] = ScaffoldSettings
    meaning = "1 if the Murcko scaffold is not in the reference file, else 0"
    usual = (0.0, 1.0)

    def __init__(self, settings: ScaffoldSettings) -> None:
        self.name, self.unit = settings.name, ""
        self._known = settings.reference_file.counts("scaffold")

    def score(self, molecules: Molecules) -> np.ndarray:
        """1 or 0 for each molecule."""
        return each(self._is_new, molecules)

    def _is_new(self, mol: Chem.Mol) -> float:
        scaffold = murcko(mol)
        return float(scaffold != "" and scaffold not in self._known)
