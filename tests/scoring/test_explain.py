"""`molgen objective check`: words, ten drugs, and doubts; each doubt on an objective that has it and on one without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED, Crippen
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from molgen.core.errors import SettingsError
from molgen.scoring.doubts import doubts as doubts_of
from molgen.scoring.doubts import doubts_from_trial
from molgen.scoring.drugs import DRUGS
from molgen.scoring.explain import in_words, scorers_of, try_on_drugs
from molgen.scoring.objective import Objective
from molgen.scoring.transforms import TRANSFORMS, read_transform

FORMULAS = {  # as the European Pharmacopoeia gives them, without salts
    "aspirin": "C9H8O4",
    "paracetamol": "C8H9NO2",
    "ibuprofen": "C13H18O2",
    "metformin": "C4H11N5",
    "omeprazole": "C17H19N3O3S",
    "amoxicillin": "C16H19N3O5S",
    "celecoxib": "C17H14F3N3O2S",
    "imatinib": "C29H31N7O",
    "sildenafil": "C22H30N6O4S",
    "atorvastatin": "C33H35FN2O5",
}
QED_ALONE = {"type": "QED"}
NITRO = "[N+](=O)[O-]"


def doubts(*components: dict[str, Any], filters: dict[str, Any] | None = None, **more: Any) -> list[str]:
    objective = Objective.parse({"components": components or [QED_ALONE], "filters": filters or {}, **more})
    return doubts_of(objective, scorers_of(objective))


def test_the_drugs_are_those_of_the_pharmacopoeia() -> None:
    assert {name: CalcMolFormula(Chem.MolFromSmiles(smiles)) for name, smiles in DRUGS.items()} == FORMULAS


def test_the_table_holds_rdkits_values() -> None:
    logp = {"type": "logP", "transform": {"type": "linear", "low": 0, "high": 5}}
    tried = try_on_drugs(Objective.parse({"components": [QED_ALONE, logp], "filters": {"MW": {"max": 400}}}))
    assert tried.columns == ["QED", "logP", "MW"]
    assert tried.passed == 7
    for name, score, failed, cells in tried.rows:
        mol = Chem.MolFromSmiles(DRUGS[name])
        qed, value = QED.qed(mol), Crippen.MolLogP(mol)
        desirability = min(max(value / 5, 0), 1)
        assert score == pytest.approx((qed * desirability) ** 0.5)
        assert cells[:2] == [f"{qed:.3g} ({qed:.3g})", f"{value:.3g} ({desirability:.3g})"]
        assert (failed is None) == (name not in {"imatinib", "sildenafil", "atorvastatin"})
    assert [line.split()[0] for line in tried.table()] == ["drug", *DRUGS]


def test_everything_is_said() -> None:
    objective = Objective.parse(
        {
            "aggregation": "arithmetic",
            "components": [
                {"type": "QED", "weight": 3},
                {"type": "MW", "transform": {"type": "gaussian", "mean": 350, "sd": 50}},
            ],
            "filters": {"alerts": {}, "TPSA": {"min": 20, "max": 140}},
        }
    )
    text = "\n".join(in_words(objective, scorers_of(objective)))
    for part in (
        "weighted arithmetic mean",
        "component 'QED' (QED, 75% of the weight)",
        "average molecular weight [g/mol]",
        "best at 350, 0.61 at 50 from it",
        "distinct structural alerts of PAINS, BRENK [count]",
        "passes    20 <= value <= 140",
        "passes    value <= 0",
    ):
        assert part in text


WORDED: dict[str, dict[str, Any]] = {
    "none": {},
    "sigmoid": {"low": 1, "high": 4},
    "reverse_sigmoid": {"low": 1, "high": 4},
    "double_sigmoid": {"low": 1, "high": 4, "margin": 0.5},
    "gaussian": {"mean": 2, "sd": 0.5},
    "step": {"min": 1, "max": 4},
    "linear": {"low": 1, "high": 4},
    "value_map": {"map": {1: 0.5, 2: 1}},
}


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_every_transform_has_words_with_its_numbers_and_a_span_where_something_happens(kind: str) -> None:
    transform = read_transform({"type": kind, **WORDED[kind]})
    numbers = [v for v in WORDED[kind].values() if not isinstance(v, dict)] + list(WORDED[kind].get("map", {}))
    assert [number for number in numbers if f"{number:g}" not in transform.in_words] == []
    if transform.span is not None:
        low, high = transform.span
        found = transform(np.array([low, (low + high) / 2, high]))
        assert low < high
        assert np.ptp(found) >= 0.5 or kind == "step"


def test_good_objectives_raise_no_doubt(objective_file: Callable[..., Path]) -> None:
    for file in sorted((Path(__file__).parents[2] / "workflows/config/objectives").glob("*.yaml")):
        objective = Objective.read(file)
        assert doubts_of(objective, scorers_of(objective)) == []
        assert doubts_from_trial(try_on_drugs(objective)) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            doubts({"type": "MW", "transform": {"type": "gaussian", "mean": 5000, "sd": 100}}),
            "component 'MW': its desirability is below 0.05 everywhere from 150 to 600 g/mol",
        ),
        (
            doubts({"type": "rings", "transform": {"type": "step", "max": 30}}),
            "component 'rings': its desirability is 1.00 everywhere from 0 to 7 count",
        ),
        (
            doubts({"type": "HBD", "transform": {"type": "value_map", "map": {0.5: 1}}}),
            "component 'HBD': its desirability is below 0.05 everywhere",
        ),
        (
            doubts(
                {"type": "logP", "transform": {"type": "linear", "low": 3, "high": 5}},
                filters={"logP": {"max": 2}},
            ),
            "component 'logP': the filters leave only values whose desirability is below 0.05",
        ),
        (doubts(filters={"MW": {"min": 3000}}), "filter 'MW': 3000 <= value, but drug-like molecules lie between 150"),
        (
            doubts(filters={"heavy_atoms": {"min": 40}, "MW": {"max": 350}}),
            "filters on heavy_atoms (at least 40) and MW (at most 350) exclude each other",
        ),
        (
            doubts(filters={"MW": {"min": 500}, "heavy_atoms": {"max": 15}}),
            "filters on MW (at least 500) and heavy_atoms (at most 15) exclude each other",
        ),
        (
            doubts(
                {"type": "substructure", "required": [NITRO]},
                filters={"nitro": {"type": "substructure", "forbidden": ["[N+](=[O])[O-]"]}},
            ),
            "component 'substructure' requires '[N+](=O)[O-]', which filter 'nitro' forbids",
        ),
        (
            doubts(
                filters={
                    "has": {"type": "substructure", "required": [NITRO]},
                    "lacks": {"type": "substructure", "forbidden": ["[N+](=[O])[O-]"]},
                }
            ),
            "filter 'has' requires '[N+](=O)[O-]', which filter 'lacks' forbids",
        ),
        (
            doubts({"type": "QED", "weight": 2}, {"type": "fsp3"}, aggregation="minimum"),
            "aggregation 'minimum' takes no account of the weights",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_each_doubt(found: list[str], expected: str) -> None:
    assert [line[: len(expected)] for line in found] == [expected]


def test_two_components_may_disagree_about_a_pattern() -> None:
    has, lacks = ({"name": n, "type": "substructure", n: [NITRO]} for n in ("required", "forbidden"))
    assert doubts(has, lacks) == []


def test_doubts_from_the_drugs() -> None:
    nothing = Objective.parse({"components": [QED_ALONE], "filters": {"rings": {"min": 7}}})
    assert doubts_from_trial(try_on_drugs(nothing))[0].startswith("none of the ten drugs passes the filters")
    heavy = {"type": "MW", "transform": {"type": "step", "min": 599}}
    assert "has a score above 0" in doubts_from_trial(try_on_drugs(Objective.parse({"components": [heavy]})))[0]


def test_a_service_that_does_not_answer_is_a_doubt() -> None:
    dock = {"type": "http", "name": "dock", "url": "http://127.0.0.1:9/x", "retries": 0, "transform": "none"}
    tried = try_on_drugs(Objective.parse({"components": [QED_ALONE, dock]}))
    assert doubts_from_trial(tried) == [
        "component 'dock' has no value for any of the ten drugs; does it answer at all?"
    ]
    assert [cells[1] for _, _, _, cells in tried.rows] == ["-"] * 10


def test_pareto_is_for_rank() -> None:
    with pytest.raises(SettingsError, match=r"a Pareto front belongs to a set of molecules.*`molgen rank"):
        Objective.parse({"components": [QED_ALONE], "aggregation": "pareto"})
