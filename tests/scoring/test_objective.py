"""Objective files: what they mean and what is refused, by its text."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from rdkit import Chem

from molgen.chem.alerts import SETS
from molgen.core.errors import InputError, SettingsError
from molgen.scoring.aggregation import Aggregation, aggregate
from molgen.scoring.components import COMPONENTS
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective
from molgen.scoring.transforms import TRANSFORMS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/verbs/score.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "workflows/config/objectives").glob("*.yaml"))
LOGP = {"type": "logP", "transform": {"type": "linear", "low": 0, "high": 5}}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_load_and_score(file: Path) -> None:
    with Evaluator(Objective.read(file)) as evaluator:
        found = evaluator.evaluate([Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1"), None])
    assert 0 < found.score[0] < 1
    assert np.isnan(found.score[1])


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_values_describe_the_objective_completely(file: Path) -> None:
    objective = Objective.read(file)
    assert Objective.parse(objective.values()) == objective


def test_the_page_shows_an_objective_that_works_and_names_everything() -> None:
    shown = yaml.safe_load(PAGE.split("```yaml")[1].split("```")[0])
    with Evaluator(Objective.parse(shown)) as evaluator:
        assert evaluator.evaluate([Chem.MolFromSmiles("Cc1ccccc1C(=O)N")]).failed == [None]
    assert [name for name in (*COMPONENTS, *TRANSFORMS, *SETS) if f"`{name}`" not in PAGE] == []


def test_defaults_of_filters() -> None:
    objective = Objective.parse(
        {"components": [{"type": "QED"}], "filters": {"alerts": {}, "substructure": {"required": ["a"]}}}
    )
    bounds = {f.component.name: (f.min, f.max) for f in objective.filters}
    assert bounds == {"alert_count": (None, 0.0), "substructure": (1.0, None)}


def test_references_are_read_from_beside_the_objective(objective_file: Callable[..., Path]) -> None:
    file = objective_file(components=[{"type": "similarity", "references_file": "known.smi"}])
    (file.parent / "known.smi").write_text("CCO ethanol\nc1ccccc1\n")
    (component,) = Objective.read(file).components
    assert component.model_dump()["references"] == ("CCO", "c1ccccc1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'components' is missing"),
        ({"components": []}, "components"),
        ({"components": [{"type": "QEF"}]}, "component 1: unknown component type 'QEF' \\(did you mean 'QED'"),
        ({"components": [{"weight": 1}]}, "component 1: expected `type"),
        (
            {"components": [{"type": "QED", "wieght": 1}]},
            "component 'QED': unknown key 'wieght' \\(did you mean 'weigh",
        ),
        ({"components": [{"type": "QED", "weight": -1}]}, "component 'QED': weight = -1"),
        ({"components": [{"type": "MW"}]}, "component 'MW': its values are not in 0 to 1; give it a `transform`"),
        ({"components": [{"type": "QED"}, {"type": "QED"}]}, "two components are called 'QED'"),
        ({"components": [{"type": "QED", "name": "score"}]}, "'score' is a column of the tables"),
        ({"components": [{"type": "QED", "transform": {"type": "lin"}}]}, "component 'QED': transform: unknown type"),
        ({"components": [{"type": "similarity", "references": ["C1"]}]}, "'C1' is not a molecule \\(SMILES syntax"),
        (
            {"components": [{"type": "similarity", "references": ["C"], "fingerprint": "ECFP4"}]},
            "unknown fingerprint 'ECFP4' \\(did you mean 'ECFP'",
        ),
        (
            {"components": [{"type": "similarity", "references": ["C"], "fingerprint": "atom_pair", "radius": 3}]},
            "'radius' has no meaning for fingerprint 'atom_pair'",
        ),
        ({"components": [{"type": "similarity", "references": ["C"], "alpha": 1}]}, "'alpha' is Tversky's"),
        (
            {"components": [{"type": "similarity", "references": ["C"], "metric": "tversky", "alpha": 0, "beta": 0}]},
            "alpha and beta are both 0",
        ),
        ({"components": [LOGP], "filters": {"hazards": {"classes": ["explosives"]}}}, "did you mean 'explosive'"),
        ({"components": [{"type": "scaffold_novelty"}]}, "key 'reference_file' is missing"),
        ({"components": [{"type": "ring_rarity", "reference_file": "absent.smi"}]}, "absent.smi: no such file"),
        ({"components": [{"type": "http", "url": "ftp://x/"}]}, "an address that begins with http:// or https://"),
        ({"components": [{"type": "http", "ulr": "http://x/"}]}, "unknown key 'ulr' \\(did you mean 'url'"),
        ({"components": [LOGP], "aggregation": "minimun"}, "aggregation = 'minimun'"),
        ({"components": [{"type": "substructure", "required": ["c1"]}]}, "'c1' is not SMARTS"),
        ({"components": [{"type": "substructure", "required": ["N"], "forbidden": ["N"]}]}, "both required and forb"),
        ({"components": [{"type": "external", "command": "no-such-program-here"}]}, "no program 'no-such-program"),
        ({"components": [LOGP], "filters": {"MV": {"max": 5}}}, "filter 'MV': unknown .* \\(did you mean 'MW'"),
        ({"components": [LOGP], "filters": {"MW": {"mx": 5}}}, "filter 'MW': unknown key 'mx' \\(did you mean 'max'"),
        ({"components": [LOGP], "filters": {"MW": {}}}, "filter 'MW': give min, max or both"),
        ({"components": [LOGP], "filters": {"MW": {"min": 9, "max": 5}}}, "min = 9 is above max = 5"),
        ({"components": [LOGP], "filters": {"MW": 500}}, "filter 'MW': expected `min` and `max`"),
        ({"components": [LOGP], "filters": {"MW": {"max": 5, "weight": 2}}}, "a filter has no 'weight'"),
        ({"components": [LOGP], "filters": {"alerts": {"sets": ["PAIN"]}}}, "unknown alert set 'PAIN' \\(did you mean"),
        (
            {"components": [LOGP], "filters": {"MW": {"max": 300}, "heavy": {"type": "MW", "min": 400}}},
            "filter 'heavy': at least 400 and at most 300; no molecule can pass",
        ),
        ({"components": [LOGP], "filters": {"logP": {"type": "MW", "max": 5}}}, "measures something else"),
        ({"components": [LOGP], "agregation": "geometric"}, "unknown key 'agregation' \\(did you mean 'aggregation'"),
        ({"components": [LOGP], "aggregation": "sum"}, "aggregation = 'sum'"),
    ],
)
def test_what_is_refused(objective_file: Callable[..., Path], values: dict, message: str) -> None:
    file = objective_file(**values)
    with pytest.raises(SettingsError, match=message) as caught:
        Objective.read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read"):
        Objective.read(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("- QED\n")
    with pytest.raises(InputError, match="expected `key: value` lines"):
        Objective.read(tmp_path / "list.yaml")


def test_aggregation_by_hand() -> None:
    values = [np.array([0.5, 1.0, 0.0, np.nan]), np.array([0.25, 1.0, 1.0, 0.5])]
    expected = {
        "geometric": [(0.5 * 0.25**3) ** 0.25, 1, 0, np.nan],
        "arithmetic": [(0.5 + 0.75) / 4, 1, 0.75, np.nan],
        "minimum": [0.25, 1, 0, np.nan],
    }
    assert set(expected) == set(get_args(Aggregation))
    for how, scores in expected.items():
        np.testing.assert_allclose(aggregate(values, [1, 3], how), scores, rtol=1e-12)


def test_the_objective_chooses_the_aggregation() -> None:
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    parts = [{"type": "QED"}, {"type": "fsp3", "weight": 3}]
    found = {}
    for how in get_args(Aggregation):
        with Evaluator(Objective.parse({"components": parts, "aggregation": how})) as evaluator:
            found[how] = evaluator.evaluate([mol]).score[0]
    assert found["minimum"] == pytest.approx(1 / 9)  # one sp3 carbon of nine
    assert found["minimum"] < found["geometric"] < found["arithmetic"]
