"""The container recipes: they install the lock, copy what exists, and name no host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = [ROOT / "containers" / name for name in ("Dockerfile", "molgen.def")]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_recipe_installs_the_lock_and_then_molgen_alone(recipe: Path) -> None:
    text = recipe.read_text()
    installs = re.findall(r"pip install (.+?)(?: \\)?$", text, re.MULTILINE)
    assert installs == [
        "--no-cache-dir -r requirements.lock",
        "--no-cache-dir --no-build-isolation --no-deps -e .",
    ]
    steps = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert not re.search(r"https?://|curl|wget|git clone", steps)


def test_the_definition_copies_what_exists_and_all_that_the_package_needs() -> None:
    lines = (ROOT / "containers" / "molgen.def").read_text().split("%files\n")[1].split("\n\n")[0].splitlines()
    copied = [line.split()[0] for line in lines]
    assert all((ROOT / name).exists() for name in copied)
    assert {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "molgen", "workflows", "Snakefile"} <= {
        *copied
    }
    assert all(line.split()[1] == f"/opt/molgen/{line.split()[0]}" for line in lines)


def test_both_have_the_same_base_of_the_python_that_is_tested() -> None:
    docker, apptainer = (recipe.read_text() for recipe in RECIPES)
    base = re.search(r"^FROM (\S+)", docker, re.MULTILINE)[1]
    assert re.search(r"^From: (\S+)", apptainer, re.MULTILINE)[1] == base
    assert base.startswith("python:3.11")
