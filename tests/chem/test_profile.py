"""Every value of a profile equals that of RDKit's own function exactly; 0 differences."""

from pathlib import Path

import pytest
from oracle import everything
from rdkit import Chem

from molgen.chem.alerts import SETS
from molgen.chem.profile import Profile, Wanted, profile
from molgen.core.tables import PROPERTIES

ODD = [line.split()[0] for line in (Path(__file__).parent / "odd.smi").read_text().splitlines()]
PARTS = ["PAINS_A", "PAINS_B", "PAINS_C", "BRENK"]
SOME_SETS = ("NIH", "CHEMBL_DUNDEE", "CHEMBL_SURECHEMBL", "PAINS_B")


def _flat(found: Profile) -> dict:
    return {
        **found.properties,
        "smiles": found.smiles,
        "scaffold": found.scaffold,
        "inchikey": found.inchikey,
        "fingerprint": found.fingerprint.tobytes(),
        "alerts": [(alert.name, set(alert.places)) for alert in found.alerts],
    }


def _compare(smiles: list[str]) -> None:
    differences = []
    for text in smiles:
        found, expected = _flat(profile(Chem.MolFromSmiles(text))), everything(text, PARTS)
        differences += [(text, name, found[name], value) for name, value in expected.items() if found[name] != value]
    assert differences == []


def test_drug_like_molecules(smiles):
    _compare(smiles[:2000:2])


def test_odd_molecules():
    assert len(ODD) > 250
    _compare(ODD)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_drug_like_molecules(zinc):
    _compare(zinc[:: len(zinc) // 20_000][:20_000])


def test_other_sets_of_alerts(smiles):
    parts = [part.upper() for name in SOME_SETS for part in SETS[name]]
    wanted = Wanted(properties=(), alerts=SOME_SETS, bits=0, smiles=False, scaffold=False, inchikey=False)
    for text in smiles[:2000:20] + ODD[::3]:
        found = profile(Chem.MolFromSmiles(text), wanted)
        expected = everything(text, parts)["alerts"]
        assert [(alert.name, set(alert.places)) for alert in found.alerts] == expected, text


def test_only_what_is_wanted():
    mol = Chem.MolFromSmiles("O=C1C=CC(=O)C=C1")
    found = profile(mol, Wanted(properties=("SA", "MW"), alerts=("PAINS_A",), bits=64, scaffold=False, inchikey=False))
    assert list(found.properties) == ["SA", "MW"]
    assert [alert.name for alert in found.alerts] == ["PAINS_A: quinone_A(370)"]
    assert set(found.alerts[0].places[0]) == set(range(8))
    assert found.fingerprint.shape == (8,)
    assert (found.smiles, found.scaffold, found.inchikey) == ("O=C1C=CC(=O)C=C1", None, None)
    assert tuple(profile(mol).properties) == PROPERTIES


def test_the_order_of_molecules_does_not_matter(smiles):
    """What is remembered from other molecules never shows: a fresh look gives the same as a late one."""
    for text in ODD[::5] + smiles[:100:5]:
        first, again = (_flat(profile(Chem.MolFromSmiles(text))) for _ in range(2))
        assert first == again
