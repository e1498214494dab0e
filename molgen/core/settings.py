"""Settings: small frozen pydantic models that refuse an unknown key and name the nearest known one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from molgen.core.errors import InputError, SettingsError, nearest


class Settings(BaseModel):
    """Base of every settings class. Values only, never class paths; defaults live in the class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str = "settings") -> Self:
        """Checked settings, or a SettingsError that says which key, where, and what is allowed."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError(f"{where}: {_explain(cls, error)}") from None

    @classmethod
    def load(cls, file: Path | None, overrides: Sequence[str] = ()) -> Self:
        """Settings from a YAML file (or the defaults), then `key=value` overrides in order."""
        values = read_yaml(file) if file else {}
        return cls.parse(cls.overrides(overrides, values), where=str(file) if file and not overrides else "settings")

    @staticmethod
    def overrides(items: Sequence[str], values: dict[str, Any] | None = None) -> dict[str, Any]:
        """`values` (or nothing) with `key=value` items put in, in order; dots in a key lead into sections."""
        values = values or {}
        for item in items:
            key, separator, text = item.partition("=")
            if not separator or not key:
                raise SettingsError(f"--set {item!r}: expected key=value")
            try:
                value = yaml.safe_load(text)
            except yaml.YAMLError:
                raise SettingsError(
                    f"--set {item!r}: {text!r} is not a YAML value; check its quotes and brackets"
                ) from None
            _assign(values, key.strip().split("."), value)
        return values

    def values(self) -> dict[str, Any]:
        """The settings as plain JSON-able values, defaults filled in."""
        return self.model_dump(mode="json")


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file's mapping; an InputError with line and column if it is not one."""
    try:
        values = yaml.safe_load(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a text file; a YAML file is expected") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise InputError(f"{place}: not valid YAML ({getattr(error, 'problem', 'unreadable')})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{file}: expected `key: value` lines, found a {type(values).__name__}")
    return values


def _assign(values: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise SettingsError(f"--set {'.'.join(path)}: {key!r} holds a value, not a section")
    values[path[-1]] = value


def _explain(cls: type[BaseModel], error: ValidationError) -> str:
    """The first problem of a pydantic error in one line; an unknown key before the missing one it may stand for."""
    problem = next((p for p in error.errors() if p["type"] == "extra_forbidden"), error.errors()[0])
    place = ".".join(str(p) for p in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {place!r}{nearest(str(problem['loc'][-1]), _known_keys(cls, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"key {place!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{place or 'value'} = {problem['input']!r}: {message}" if place else message


def _known_keys(cls: Any, place: Sequence[int | str]) -> list[str]:
    """The keys of the nested settings class that `place` leads to."""
    for key in place:
        field = getattr(cls, "model_fields", {}).get(key)
        if field is None:
            continue  # a list index, or the tag of a union
        options = [
            a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(a, "model_fields")
        ]
        if options:
            cls = options[0]
    return list(getattr(cls, "model_fields", {}))
