"""The set-up: the Makefile, the pins, and the two files that hold them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from molgen.core.tables import describe

ROOT = Path(__file__).parents[1]


def pins() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_lock_pins_every_package_to_one_public_version():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins())
    assert "torch==2.13.0" in pins()
    assert "dgl==1.1.3" in pins()


def test_the_lock_holds_what_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    pinned = {Requirement(pin).name.lower(): pin.split("==")[1] for pin in pins()}
    for line in asked:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[requirement.name.lower()]), line


def test_conda_has_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][0] == "python=3.11"
    assert environment["dependencies"][-1]["pip"] == pins()


def test_what_runs_here_is_what_is_pinned():
    for pin in pins():
        name, pinned = pin.split("==")
        assert version(name).split("+")[0] == pinned, "run `make setup`"


def test_make_alone_lists_the_targets():
    listed = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "test-slow", "lint", "bench", "clean"):
        assert re.search(rf"^  make {target} +\w", listed, re.MULTILINE), target


@pytest.mark.parametrize("command", ["make lint", "make test"])
def test_ci_runs_what_a_developer_runs(command):
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_page_of_tables_is_what_the_code_checks():
    assert (ROOT / "docs" / "tables.md").read_text() == describe() + "\n", (
        "python -m molgen.core.tables > docs/tables.md"
    )
