"""Hard filters that no molecule can pass, alone or together: said before any molecule is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from molgen.core.errors import SettingsError
from molgen.scoring.component import ComponentSettings
from molgen.scoring.components import COMPONENTS
from molgen.scoring.substructure import SubstructureSettings

if TYPE_CHECKING:
    from molgen.scoring.objective import Filter

# Descriptors that cannot be negative, and a pair of which one cannot be above the other.
COUNTS = ("MW", "TPSA", "HBD", "HBA", "rotatable_bonds", "rings", "aromatic_rings", "stereocentres", "heavy_atoms")
PART, WHOLE = "aromatic_rings", "rings"


def refuse_contradictions(filters: Sequence[Filter]) -> None:
    """SettingsError that names the filter, or the two, that nothing can pass."""
    for condition in filters:
        low, high = value_range(condition.component)
        if condition.min is not None and condition.min > high:
            _refuse(f"filter {condition.component.name!r}: at least {condition.min:g}, but no value is above {high:g}")
        if condition.max is not None and condition.max < low:
            _refuse(f"filter {condition.component.name!r}: at most {condition.max:g}, but no value is below {low:g}")
    for first in filters:
        for second in filters:
            _refuse_pair(first, second)


def value_range(component: ComponentSettings) -> tuple[float, float]:
    """The values that a component can have at all."""
    if COMPONENTS[component.type].unit_range:
        return 0.0, 1.0
    if component.type == "SA":
        return 1.0, 10.0
    return (0.0 if component.type in (*COUNTS, "alerts") else float("-inf")), float("inf")


def _refuse_pair(first: Filter, second: Filter) -> None:
    names = f"filters {first.component.name!r} and {second.component.name!r} exclude each other"
    if (first.component.type, second.component.type) == (PART, WHOLE) and (first.min or 0) > _above(second.max):
        _refuse(f"{names}: at least {first.min:g} {PART} and at most {second.max:g} {WHOLE}")
    one, other = first.component, second.component
    if isinstance(one, SubstructureSettings) and isinstance(other, SubstructureSettings):
        all_met = first.min == second.min == 1
        for smarts in one.required:
            if all_met and smarts in other.forbidden:
                _refuse(f"{names}: {smarts!r} is required and forbidden")


def _above(bound: float | None) -> float:
    return float("inf") if bound is None else bound


def _refuse(what: str) -> None:
    raise SettingsError(f"{what}; no molecule can pass")
