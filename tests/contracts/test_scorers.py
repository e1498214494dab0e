"""What every component of an objective promises, tried on each of them."""

import sys
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from molgen.scoring.component import Scorer
from molgen.scoring.components import COMPONENTS
from molgen.scoring.objective import read_component

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C",
    "O=C1C=CC(=O)C=C1",
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "[Na+].[Cl-]",
    "C[C@H](N)C(=O)O",
    "CCCCCCCC",
    "O=[N+]([O-])c1ccccc1",
    "C[N+](C)(C)C[C@H](O)[C@H](O)CO",
    "CC(=O)[O-]",
]
LENGTHS = "import sys\nfor line in sys.stdin: print(len(line.strip()), flush=True)"
PARAMETERS: dict[str, dict[str, Any]] = {
    "similarity": {"references": ["CC(=O)Oc1ccccc1C(=O)O", "CCCCCCC"]},
    "substructure": {"required": ["a", "[#8]"], "forbidden": ["[N+](=O)[O-]"]},
    "external": {"command": [sys.executable, "-c", LENGTHS], "batch": 3, "timeout": 60},
}


@pytest.fixture(scope="module")
def molecules() -> list[Chem.Mol | None]:
    found = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    return [*found[:3], None, *found[3:], None]


@pytest.fixture(scope="module", params=COMPONENTS)
def scorer(request: pytest.FixtureRequest) -> Scorer:
    kind = request.param
    return COMPONENTS[kind](read_component({"type": kind, **PARAMETERS.get(kind, {})}, "component 1"))


def test_one_value_a_molecule_and_none_without(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score(molecules)
    assert values.shape == (len(molecules),)
    assert values.dtype == np.float64
    assert np.isnan(values).tolist() == [mol is None for mol in molecules]


def test_order_is_kept(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    np.testing.assert_array_equal(scorer.score(molecules[::-1]), scorer.score(molecules)[::-1])


def test_the_split_into_batches_does_not_matter(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    whole = scorer.score(molecules)
    for size in (1, 4):
        parts = [scorer.score(molecules[i : i + size]) for i in range(0, len(molecules), size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_an_empty_batch_and_a_batch_of_nothing(scorer: Scorer) -> None:
    assert scorer.score([]).shape == (0,)
    assert np.isnan(scorer.score([None, None])).all()


def test_values_without_need_of_a_transform_lie_in_0_to_1(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score([mol for mol in molecules if mol is not None])
    inside = bool(((values >= 0) & (values <= 1)).all())
    assert inside if scorer.unit_range else not inside


def test_molecules_are_told_apart(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score(molecules)
    assert len(set(values[~np.isnan(values)])) > 1


def test_it_has_a_name_and_a_unit(scorer: Scorer) -> None:
    assert scorer.name
    assert isinstance(scorer.unit, str)
