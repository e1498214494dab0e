"""A metrics file as it is read again: what `compare`, `report` and `models export` count on is checked here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from molgen.core.errors import ArtifactError, InputError


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True)  # other keys may be there


class _Counted(_Shape):
    n: int
    mean: float | None
    std: float | None
    counts: list[float]


class _Distribution(_Shape):
    edges: list[float]
    generated: _Counted
    train: _Counted | None = None

    @model_validator(mode="after")
    def _a_count_a_bin(self) -> Self:
        if any(len(found.counts) + 1 != len(self.edges) for found in (self.generated, self.train) if found):
            raise ValueError("its counts and edges do not go together")
        return self


class _Floor(_Shape):
    n: int
    metrics: dict[str, float | None]


class _Reference(_Shape):
    rows: dict[str, int] = {}
    compared: dict[str, int] = {}


class _Bounded(_Shape):
    value: float | None
    low: float
    high: float


def _its_value(figure: Any) -> Any:
    if not isinstance(figure, dict):
        return figure
    try:
        return _Bounded.model_validate(figure).value
    except ValidationError:
        raise ValueError("should be a number, or 'value', 'low' and 'high'") from None


class _Record(_Shape):
    n: int = Field(ge=0)
    metrics: dict[str, Annotated[float | None, BeforeValidator(_its_value)]]
    intervals: dict[str, tuple[float, float]] = {}
    notes: dict[str, str] = {}
    floor: _Floor | None = None
    counts: dict[str, Any] = {}
    reference: _Reference = _Reference()
    further: dict[str, Any] = {}
    distributions: dict[str, _Distribution] = {}


def read_metrics(file: Path) -> dict[str, Any]:
    """A metrics file's content, an interval within a metric put among `intervals`; an ArtifactError if it is none."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _not_one(file, "not text") from None
    try:
        _Record.model_validate_json(text)
        found: dict[str, Any] = json.loads(text)
    except ValidationError as error:
        raise _not_one(file, _first(error)) from None
    for name, figure in found["metrics"].items():
        if isinstance(figure, dict):
            found["metrics"][name] = figure["value"]
            found.setdefault("intervals", {})[name] = [figure["low"], figure["high"]]
    return found


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    problem = error.errors()[0]
    if problem["type"] == "json_invalid":
        return "not JSON"
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"no '{place}'"
    said = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"'{place}' {said}" if place else said


def _not_one(file: Path, why: str) -> ArtifactError:
    return ArtifactError(f"{file}: not a metrics file ({why}); make it again with `molgen evaluate`")
