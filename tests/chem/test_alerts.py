"""Structural alerts against RDKit's own FilterCatalog (the default sets: test_profile.py)."""

import pytest
from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molgen.chem.alerts import SETS, alerts
from molgen.core.errors import SettingsError

EVERY_PART = ["PAINS_A", "PAINS_B", "PAINS_C", *(name for name in SETS if not name.startswith("PAINS"))]


def catalog_of(part: str) -> FilterCatalog:
    return FilterCatalog(FilterCatalogParams(getattr(FilterCatalogParams.FilterCatalogs, part)))


def by_rdkit(mols: list[Chem.Mol], sets: list[str]) -> list[list[str]]:
    """The same names, from the catalogs' own matches."""
    catalogs = {part: catalog_of(part) for name in sets for part in SETS[name]}
    return [
        list(
            dict.fromkeys(
                f"{part.upper()}: {entry.GetDescription()}"
                for part, catalog in catalogs.items()
                for entry in catalog.GetMatches(mol)
            )
        )
        for mol in mols
    ]


def test_every_set_equals_the_catalog(mols: list[Chem.Mol]) -> None:
    chosen = mols[600:680] + mols[2000:]
    assert [alerts(mol, EVERY_PART) for mol in chosen] == by_rdkit(chosen, EVERY_PART)


@pytest.mark.slow
def test_every_set_equals_the_catalog_on_many(mols: list[Chem.Mol]) -> None:
    assert [alerts(mol, EVERY_PART) for mol in mols] == by_rdkit(mols, EVERY_PART)


def test_explicit_hydrogens_hide_nothing() -> None:
    quinone = Chem.AddHs(Chem.MolFromSmiles("O=C1C=CC(=O)C=C1"))
    assert alerts(quinone) == by_rdkit([quinone], ["PAINS", "BRENK"])[0] != []


def test_known_alerts_by_name() -> None:
    assert alerts(Chem.MolFromSmiles("O=C1C=CC(=O)C=C1"), ["PAINS_A"]) == ["PAINS_A: quinone_A(370)"]
    assert alerts(Chem.MolFromSmiles("CCO")) == []


def test_unknown_set_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="unknown alert set 'brenk' \\(did you mean 'BRENK'"):
        alerts(Chem.MolFromSmiles("C"), ["brenk"])
