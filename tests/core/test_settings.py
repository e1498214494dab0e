"""Settings: what is refused, and what the refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from molgen.core.errors import InputError, SettingsError
from molgen.core.settings import Settings, read_yaml


class Inner(Settings):
    width: int = Field(default=8, ge=1, le=64)
    mode: Literal["fast", "exact"] = "fast"


class Middle(Settings):
    inner: Inner = Inner()
    perhaps: Inner | None = None
    several: tuple[Inner, ...] = ()
    room: int = 1


class Outer(Settings):
    middle: Middle = Middle()
    rate: float = Field(default=0.1, gt=0)
    name: str = "x"

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 5:
            raise ValueError("Longer than 5 letters")
        return name


class Needy(Settings):
    must: int


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rat": 1}, "unknown key 'rat' (did you mean 'rate'? known: middle, rate, name)"),
        (
            {"middle": {"rom": 1}},
            "unknown key 'middle.rom' (did you mean 'room'? known: inner, perhaps, several, room)",
        ),
        (
            {"middle": {"inner": {"widht": 1}}},
            "unknown key 'middle.inner.widht' (did you mean 'width'? known: width, mode)",
        ),
        (
            {"middle": {"perhaps": {"widht": 1}}},
            "unknown key 'middle.perhaps.widht' (did you mean 'width'? known: width, mode)",
        ),
        (
            {"middle": {"several": [{}, {"mod": 1}]}},
            "unknown key 'middle.several.1.mod' (did you mean 'mode'? known: width, mode)",
        ),
        ({"rate": 0}, "rate = 0: input should be greater than 0"),
        ({"middle": {"inner": {"width": 65}}}, "middle.inner.width = 65: input should be less than or equal to 64"),
        ({"middle": {"inner": {"mode": "slow"}}}, "middle.inner.mode = 'slow': input should be 'fast' or 'exact'"),
        ({"middle": 3}, "middle = 3: input should be a valid dictionary or instance of Middle"),
        ({"name": "too long"}, "name = 'too long': longer than 5 letters"),
    ],
)
def test_a_refusal_names_key_and_what_is_allowed(values, message):
    with pytest.raises(SettingsError) as error:
        Outer.parse(values, where="file.yaml")
    assert str(error.value) == f"file.yaml: {message}"


def test_a_missing_key_is_named():
    with pytest.raises(SettingsError, match=r"^settings: key 'must' is missing$"):
        Needy.parse({})


def test_settings_are_frozen_and_come_back_from_their_values():
    settings = Outer.parse({"middle": {"inner": {"width": 3}}})
    with pytest.raises(ValidationError):
        settings.rate = 2.0  # type: ignore[misc]
    assert settings.values()["middle"]["inner"] == {"width": 3, "mode": "fast"}
    assert Outer.parse(settings.values()) == settings


def _file(folder: Path, data: bytes) -> Path:
    (folder / "s.yaml").write_bytes(data)
    return folder / "s.yaml"


def test_overrides_reach_into_the_file_in_order(tmp_path):
    file = _file(tmp_path, b"\xef\xbb\xbfrate: 2\r\nmiddle:\r\n  room: 5\r\n")
    assert Outer.load(file).values()["middle"]["room"] == 5
    found = Outer.load(file, ["middle.inner.width=4", "rate=1e-3", "middle.inner.width=6", "name='7'"])
    assert (found.middle.inner.width, found.middle.room, found.rate, found.name) == (6, 5, 0.001, "7")
    assert Outer.load(None, ["middle.several=[{width: 2}, {}]"]).middle.several == (Inner(width=2), Inner())
    assert Outer.load(None, ["name=a=b"]).name == "a=b"
    assert Outer.load(None) == Outer.load(_file(tmp_path, b"# nothing\n")) == Outer()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("rate", "--set 'rate': expected key=value"),
        ("=3", "--set '=3': expected key=value"),
        ("rate.deep=3", "rate = {'deep': 3}: input should be a valid number"),
        ("middle.inner.widht=3", "unknown key 'middle.inner.widht' (did you mean 'width'?"),
        ("rate=[1", "--set 'rate=[1': '[1' is not a YAML value"),
        ("rate=a: b: c", "--set 'rate=a: b: c': 'a: b: c' is not a YAML value"),
    ],
)
def test_overrides_that_cannot_be(item, message):
    with pytest.raises(SettingsError) as error:
        Outer.load(None, [item])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_override_below_a_value(tmp_path):
    with pytest.raises(SettingsError, match=r"--set rate\.deep: 'rate' holds a value, not a section"):
        Outer.load(_file(tmp_path, b"rate: 2"), ["rate.deep=3"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"rate: 1\nmiddle: [1\nname: x\n", r"s\.yaml:3:5: not valid YAML"),
        (b"a: b: c\n", r"s\.yaml:1:5: not valid YAML \(mapping values are not allowed here\)"),
        (b"a:\n\tb: 1\n", r"s\.yaml:2:1: not valid YAML"),
        (b"a: \x00\n", r"s\.yaml: not valid YAML"),
        (b"\x89PNG\xff\xfe", r"s\.yaml: not a text file; a YAML file is expected"),
        (b"- 1\n- 2\n", r"s\.yaml: expected `key: value` lines, found a list"),
        (b"just words\n", r"s\.yaml: expected `key: value` lines, found a str"),
        (b"rate: 1\nrat: 2\n", r"s\.yaml: unknown key 'rat' \(did you mean 'rate'\?"),
        (b"1: 2\n", r"s\.yaml: "),
    ],
)
def test_a_file_that_is_not_settings(data, message, tmp_path):
    with pytest.raises((InputError, SettingsError), match=message) as error:
        Outer.load(_file(tmp_path, data))
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read \(No such file or directory\); check the path"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path)
