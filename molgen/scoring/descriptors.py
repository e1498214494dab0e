"""Descriptor components: one number from RDKit for each molecule (MW, logP, TPSA, QED, SA, rings, ...)."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import numpy as np

from molgen.chem.descriptors import DESCRIPTORS, properties
from molgen.core.tables import PROPERTIES, PROPERTY_COLUMNS
from molgen.scoring.component import BOUNDS, FAILURES, NO_VALUE, ComponentSettings, Molecules, each

UNITS = {column.name: column.unit for column in PROPERTY_COLUMNS}


class DescriptorSettings(ComponentSettings):
    """A descriptor has no parameters: its type is its name."""


class Descriptor:
    """The descriptor that the component's `type` names; unit and meaning in docs/tables.md."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = DescriptorSettings

    def __init__(self, settings: DescriptorSettings) -> None:
        self.name, self.unit = settings.name, UNITS[settings.type]
        self._function = DESCRIPTORS[settings.type]

    def score(self, molecules: Molecules) -> np.ndarray:
        """The descriptor of each molecule."""
        return each(self._function, molecules)


class UnitDescriptor(Descriptor):
    """A descriptor that lies in [0, 1] as it is (QED, fsp3)."""

    unit_range: ClassVar[bool] = True


def values_of(types: Collection[str], molecules: Molecules) -> dict[str, np.ndarray]:
    """Several descriptors of each molecule, in one pass that shares what QED and SA share with the others."""
    if not {"QED", "SA"} <= set(types):  # the pass computes all of them: dear, unless these two are wanted anyway
        return {name: each(DESCRIPTORS[name], molecules) for name in types}
    rows = np.full((len(molecules), len(PROPERTIES)), NO_VALUE)
    for place, mol in enumerate(molecules):
        if mol is not None:
            try:
                rows[place] = properties(mol)
            except FAILURES:  # one descriptor gave up; the others have their values
                rows[place] = [each(DESCRIPTORS[name], [mol])[0] for name in PROPERTIES]
    return {name: rows[:, PROPERTIES.index(name)].copy() for name in types}
