"""Descriptor components: one number from RDKit for each molecule (MW, logP, TPSA, QED, SA, rings, ...)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import ClassVar

import numpy as np

from molgen.chem.descriptors import DESCRIPTORS, VALUES, Shared
from molgen.core.tables import PROPERTY_COLUMNS
from molgen.scoring.component import BOUNDS, FAILURES, NO_VALUE, ComponentSettings, Molecules, each

UNITS = {column.name: column.unit for column in PROPERTY_COLUMNS}
MEANINGS = {column.name: column.meaning for column in PROPERTY_COLUMNS}

# Wider than the middle 99 % of ZINC250k (MW 177 to 488, logP -1.9 to 5.3, ...), so that large oral drugs are inside.
USUAL: dict[str, tuple[float, float]] = {
    "MW": (150.0, 600.0),
    "logP": (-2.0, 6.5),
    "TPSA": (0.0, 160.0),
    "QED": (0.1, 0.95),
    "SA": (1.0, 7.0),
    "HBD": (0.0, 6.0),
    "HBA": (0.0, 12.0),
    "rotatable_bonds": (0.0, 14.0),
    "rings": (0.0, 7.0),
    "aromatic_rings": (0.0, 5.0),
    "fsp3": (0.0, 1.0),
    "stereocentres": (0.0, 8.0),
    "heavy_atoms": (10.0, 45.0),
    "charge": (-2.0, 2.0),
}


class DescriptorSettings(ComponentSettings):
    """A descriptor has no parameters: its type is its name."""


class Descriptor:
    """The descriptor that the component's `type` names; unit and meaning in docs/tables.md."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = DescriptorSettings

    def __init__(self, settings: DescriptorSettings) -> None:
        self.name, self.unit = settings.name, UNITS[settings.type]
        self.meaning, self.usual = MEANINGS[settings.type], USUAL[settings.type]
        self._function = DESCRIPTORS[settings.type]

    def score(self, molecules: Molecules) -> np.ndarray:
        """The descriptor of each molecule."""
        return each(self._function, molecules)


class UnitDescriptor(Descriptor):
    """A descriptor that lies in [0, 1] as it is (QED, fsp3)."""

    unit_range: ClassVar[bool] = True


def values_of(types: Collection[str], molecules: Sequence[Shared | None]) -> dict[str, np.ndarray]:
    """Several descriptors of each molecule, which share their work; NaN for None and where RDKit gives up."""
    found = {name: np.full(len(molecules), NO_VALUE) for name in types}
    for place, shared in enumerate(molecules):
        if shared is not None:
            for name, values in found.items():
                with suppress(*FAILURES):
                    values[place] = VALUES[name](shared)
    return found
