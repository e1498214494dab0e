"""An objective: what makes a molecule good, as a YAML file of components, their weights, and hard filters.

The same file drives `score`, `rank`, `optimize` and `screen`. Loaded, it holds values only and nothing outside of it:
a reference file has become its SMILES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from molgen.core.errors import InputError, SettingsError, nearest
from molgen.core.settings import Settings, read_yaml
from molgen.core.tables import CANDIDATES, SCORED
from molgen.scoring.aggregation import Aggregation
from molgen.scoring.component import ComponentSettings
from molgen.scoring.components import COMPONENTS, DEFAULT_NAMES
from molgen.scoring.contradictions import refuse_contradictions
from molgen.scoring.source import read_smiles

RESERVED = {*SCORED.names, *CANDIDATES.names, "alerts", "source", "cluster", "front"}  # columns of the tables
NOT_IN_FILTERS = ("weight", "transform")
COMMON = ("name", "type", "weight", "transform")


class Filter(Settings):
    """A hard condition on a component's raw value: `min` <= value <= `max`."""

    component: SerializeAsAny[ComponentSettings]
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min = {self.min:g} is above max = {self.max:g}; no molecule can pass")
        return self


class Objective(Settings):
    """Components joined by a weighted mean or by the least of them, behind hard filters."""

    name: str = "objective"
    aggregation: Aggregation = "geometric"
    components: tuple[SerializeAsAny[ComponentSettings], ...] = Field(min_length=1)
    filters: tuple[SerializeAsAny[Filter], ...] = ()

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str = "objective") -> Self:
        """A checked objective; the SettingsError of a nested part says in which file it stands."""
        try:
            return super().parse(values, where=where)
        except SettingsError as error:
            raise error if str(error).startswith(where) else SettingsError(f"{where}: {error}") from None

    @classmethod
    def read(cls, file: Path) -> Self:
        """The objective in a YAML file. Files that it names, in keys that end in `_file`, are looked for beside it."""
        values = read_yaml(file)
        filters = values.get("filters")
        parts = [
            *_list_of_mappings(values.get("components")),
            *_list_of_mappings(list(filters.values()) if isinstance(filters, dict) else None),
        ]
        for part in parts:
            _find_files(part, file.parent)
        return cls.parse(values, where=str(file))

    @field_validator("aggregation", mode="before")
    @classmethod
    def _not_of_a_set(cls, value: Any) -> Any:
        if value in ("pareto", "pareto_rank"):
            raise ValueError(
                "a Pareto front belongs to a set of molecules, not to one; score with geometric, arithmetic or "
                "minimum, then `molgen rank --diversity pareto` takes front by front"
            )
        return value

    @field_validator("components", mode="before")
    @classmethod
    def _components(cls, values: Any) -> Any:
        if not isinstance(values, list | tuple):
            raise ValueError("expected a list of components, each `- type: ...`")
        return tuple(read_component(item, f"component {place}") for place, item in enumerate(values, 1))

    @field_validator("filters", mode="before")
    @classmethod
    def _filters(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            return tuple(read_filter(str(name), item) for name, item in values.items())
        return tuple(read_filter(item["component"]["name"], _flat(item)) for item in values or ())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [component.name for component in self.components]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two components are called {name!r}; give each its own `name`")
        for component in self.components:
            _check_transform(component)
        _check_filters(self)
        refuse_contradictions(self.filters)
        return self


def read_component(values: Any, where: str) -> ComponentSettings:
    """The settings of a component from its mapping in an objective; its `name` is its type unless given."""
    if isinstance(values, ComponentSettings):
        return values
    if not isinstance(values, Mapping) or not isinstance(values.get("type"), str):
        raise SettingsError(f"{where}: expected `type: ...` with its parameters, found {values!r}")
    kind = values["type"]
    if kind not in COMPONENTS:
        raise SettingsError(f"{where}: unknown component type {kind!r}{nearest(kind, COMPONENTS)}")
    named = {"name": DEFAULT_NAMES.get(kind, kind), **values}
    with _inside(f"component {named['name']!r}"):
        component = COMPONENTS[kind].settings_class.parse(named, where=f"component {named['name']!r}")
    if component.name in RESERVED:
        raise SettingsError(f"{where}: the name {component.name!r} is a column of the tables; choose another `name`")
    return component


def read_filter(name: str, values: Any) -> Filter:
    """A filter `NAME: {min, max, ...}`: NAME is a component's type, or any name beside a `type` and its parameters."""
    where = f"filter {name!r}"
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: expected `min` and `max`, found {values!r}")
    kind = values.get("type", name)
    if kind not in COMPONENTS:
        raise SettingsError(f"{where}: unknown component type {kind!r}{nearest(str(kind), COMPONENTS)}")
    for key in NOT_IN_FILTERS:
        if key in values:
            raise SettingsError(f"{where}: a filter has no {key!r}; make it a component as well")
    cls = COMPONENTS[kind]
    own = {k: v for k, v in values.items() if k not in ("min", "max")}
    known = [k for k in cls.settings_class.model_fields if k not in COMMON]
    for key in own:
        if key not in (*known, "type", "name"):
            raise SettingsError(f"{where}: unknown key {key!r}{nearest(key, ['min', 'max', *known])}")
    bounds = {k: values[k] for k in ("min", "max") if k in values} or cls.default_bounds
    title = name if "type" in values else DEFAULT_NAMES.get(kind, kind)
    component = read_component({"name": title, **own, "type": kind}, where)
    return Filter.parse({"component": component, **bounds}, where=where)


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """A filter as `values()` gives it, as it stands in a file."""
    own = {k: v for k, v in item["component"].items() if k not in NOT_IN_FILTERS}
    return {**own, **{k: item[k] for k in ("min", "max") if item[k] is not None}}


def _list_of_mappings(values: Any) -> list[dict[str, Any]]:
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _find_files(part: dict[str, Any], folder: Path) -> None:
    """Turns the references file of a part into its SMILES, and makes paths of other files relative to `folder`."""
    if "references_file" in part:
        file = folder / str(part.pop("references_file"))
        part["references"] = read_smiles(file)
        if not part["references"]:
            raise InputError(f"{file}: no molecules in it; a reference needs at least one")
    for key in part:
        if key.endswith("_file") and isinstance(part[key], str):
            part[key] = str(folder / part[key])


def _check_transform(component: ComponentSettings) -> None:
    if component.transform is None and not COMPONENTS[component.type].unit_range:
        raise SettingsError(
            f"component {component.name!r}: its values are not in 0 to 1; give it a `transform` (docs/verbs/score.md)"
        )


def _check_filters(objective: Objective) -> None:
    """Refuses filters that contradict each other, and one name for two different things."""
    same: dict[str, ComponentSettings] = {}
    for part in (*objective.components, *(f.component for f in objective.filters)):
        if measure(same.setdefault(part.name, part)) != measure(part):
            raise SettingsError(f"filter {part.name!r}: a component of that name measures something else; rename one")
    bounds: dict[str, tuple[float, float]] = {}
    for condition in objective.filters:
        key = measure(condition.component)
        low, high = bounds.get(key, (float("-inf"), float("inf")))
        low = low if condition.min is None else max(low, condition.min)
        high = high if condition.max is None else min(high, condition.max)
        if low > high:
            name = condition.component.name
            raise SettingsError(f"filter {name!r}: at least {low:g} and at most {high:g}; no molecule can pass")
        bounds[key] = low, high


def measure(component: ComponentSettings) -> str:
    """What a component measures, whatever it is called and however its value is judged."""
    return component.model_dump_json(exclude={"name", "weight", "transform"})


@contextmanager
def _inside(where: str) -> Iterator[None]:
    """Says in which component a nested setting (a transform) was refused."""
    try:
        yield
    except SettingsError as error:
        raise error if str(error).startswith(where) else SettingsError(f"{where}: {error}") from None
