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


def values_of(types: Collection[str], molecules: Sequence[Shared | None]) -> dict[str, np.ndarray]:
    """Several descriptors of each molecule, which share their work; NaN for None and where RDKit gives up."""
    found = {name: np.full(len(molecules), NO_VALUE) for name in types}
    for place, shared in enumerate(molecules):
        if shared is not None:
            for name, values in found.items():
                with suppress(*FAILURES):
                    values[place] = VALUES[name](shared)
    return found
