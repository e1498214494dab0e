"""Ring rarity component: how rare a molecule's rarest ring system is in a reference corpus."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from rdkit import Chem

from molgen.chem.ring_systems import ring_systems
from molgen.scoring.component import BOUNDS, ComponentSettings, Molecules, each
from molgen.scoring.reference import ReferenceFile


class RingRaritySettings(ComponentSettings):
    """`reference_file`: molecules, or a table of ring systems and their counts (`molgen.scoring.reference`)."""

    reference_file: ReferenceFile


class RingRarity:
    """-log10 of the frequency of the molecule's rarest ring system, from 0 (common) to log10(1 + total) (unseen).

    The frequency is (count + 1) / (total + 1): `count` molecules of the reference have the ring system, `total` is the
    sum of all counts; the 1 (Laplace) gives a ring system that the reference lacks a value. 0 for a molecule without
    rings. 1 is one ring system in ten, 3 one in a thousand.
    """

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = RingRaritySettings
    meaning = "-log10 of the frequency of the rarest ring system in the reference file; 0 is common"

    def __init__(self, settings: RingRaritySettings) -> None:
        self.name, self.unit = settings.name, "log10"
        self._counts = settings.reference_file.counts("ring_system")
        self._total = sum(self._counts.values())
        self.usual = (0.0, math.log10(1 + self._total))

    def score(self, molecules: Molecules) -> np.ndarray:
        """The rarity of each molecule."""
        return each(self._rarity, molecules)

    def _rarity(self, mol: Chem.Mol) -> float:
        rarest = min((self._counts.get(system, 0) for system in ring_systems(mol)), default=self._total)
        return math.log10((self._total + 1) / (rarest + 1))
