"""Draws under wishes: the table against RDKit, what is read off an objective, the page's part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molgen.chem.descriptors import DESCRIPTORS
from molgen.core.errors import SettingsError
from molgen.report.guided import guided_section
from molgen.report.run import Run
from molgen.scoring.objective import Objective
from molgen.steering import SteerSettings, outcomes, steer, wishes_of

ASKED = SteerSettings(
    n=40, condition={"logP": 1.0, "QED": 0.9}, within={"logP": (0.0, 2.0), "QED": (0.8, None)}, guidance=(1.0, 2.0)
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draws of the shipped model."""
    file = tmp_path_factory.mktemp("run") / "guided" / "<smiles>.parquet"
    steer("smiles-moses", file, ASKED, seed=3)
    return file


def test_each_row_has_what_its_molecule_has(table: Path) -> None:
    rows = pd.read_parquet(table)
    assert rows["guidance"].tolist() == [0.0] * 40 + [1.0] * 40 + [2.0] * 40
    assert rows["index"].tolist() == [*range(40)] * 3
    for row in rows.to_dict("records"):
        assert (row["logP.asked"], row["QED.asked"]) == (1.0, 0.9)
        if not isinstance(row["smiles"], str):
            assert row["reason"]
            assert np.isnan(row["logP"])
            assert not row["met"]
            continue
        mol = Chem.MolFromSmiles(row["smiles"])
        assert row["logP"] == pytest.approx(DESCRIPTORS["logP"](mol))
        assert row["QED"] == pytest.approx(DESCRIPTORS["QED"](mol))
        assert row["met"] == (0 <= row["logP"] <= 2 and row["QED"] >= 0.8)


def test_what_became_of_it_is_counted_from_the_rows(table: Path) -> None:
    rows = pd.read_parquet(table)
    plain, once, _ = found = outcomes(table)
    assert [one.guidance for one in found] == [0, 1, 2]
    for one in found:
        valid = rows[(rows["guidance"] == one.guidance) & rows["smiles"].notna()]
        assert one.valid == len(valid) / 40
        assert one.met == valid[valid["met"]]["smiles"].nunique() / 40
        assert one.error["logP"] == pytest.approx((valid["logP"] - 1).abs().mean())
    assert once.met > 2 * plain.met
    assert once.error["logP"] < 0.6 * plain.error["logP"]


def test_it_is_made_once_and_the_same_in_parts(table: Path, tmp_path: Path) -> None:
    before = table.stat().st_mtime_ns
    steer("smiles-moses", table, ASKED, seed=3)
    assert table.stat().st_mtime_ns == before
    steer("smiles-moses", tmp_path / "again.parquet", ASKED, seed=3, workers=2)
    assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"again.parquet", "again.provenance.json"}


def test_a_model_that_cannot_be_asked_says_so_before_it_draws(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"condition\.rings: not what this model knows"):
        steer("smiles-moses", tmp_path / "x.parquet", SteerSettings(condition={"rings": 2.0}))
    assert not list(tmp_path.glob("*.parquet"))


def test_an_objective_says_what_is_good() -> None:
    values = {
        "components": [
            {"type": "QED", "transform": {"type": "linear", "low": 0.5, "high": 0.9}},
            {"type": "SA", "transform": {"type": "reverse_sigmoid", "low": 2, "high": 4}},
            {"type": "logP", "transform": {"type": "double_sigmoid", "low": 1, "high": 4, "margin": 1}},
            {"type": "rings", "transform": {"type": "none"}},  # which has no span
        ]
    }
    found = wishes_of(Objective.parse(values), "o.yaml")
    assert set(found) == {"QED", "SA", "logP"}
    assert 0.85 < found["QED"].asked <= 0.9
    assert found["QED"].low == pytest.approx(0.7, abs=0.01)  # desirability .5
    assert found["QED"].high is None
    assert 2 <= found["SA"].asked < 2.5
    assert (found["SA"].low, found["SA"].high) == (None, pytest.approx(3, abs=0.02))
    assert found["logP"].asked == pytest.approx(2.5, abs=0.01)
    bare = Objective.parse({"components": [{"type": "QED"}]})
    with pytest.raises(SettingsError, match=r"o\.yaml: none of its components is a property"):
        wishes_of(bare, "o.yaml")


def test_the_page_shows_each_weight_and_the_trade_off(table: Path) -> None:
    page = guided_section(Run(table.parents[1]))
    assert "<smiles>" not in page
    assert "&lt;smiles&gt;" in page
    assert "asked for 0.9" in page
    assert page.count("<figure>") == 3  # the trade-off and two properties
    for one in outcomes(table):
        assert f"{one.met:.3f}" in page
    assert guided_section(Run(table.parents[2] / "absent")) == ""
