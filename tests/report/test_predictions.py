"""What predictors say of the candidates: the same as `molgen predictor predict`, and what is said when one is gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgen.core.artifacts import Identity, building, fingerprint
from molgen.core.errors import InputError
from molgen.predictor.model import Predictor
from molgen.predictor.run import Columns, train
from molgen.predictor.settings import PredictorSettings
from molgen.report.predictions import predictors_of
from molgen.report.report import ReportSettings, report
from molgen.report.run import open_run

from .conftest import Page
from .made import make_run, zinc


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small predictor of the number of heavy atoms."""
    folder = tmp_path_factory.mktemp("predictors")
    rows = [f"{s},{Chem.MolFromSmiles(s).GetNumHeavyAtoms()}" for s in zinc(60, seed=5)]
    (folder / "t.csv").write_text("\n".join(["smiles,atoms", *rows]))
    train(folder / "t.csv", Columns("atoms"), folder / "atoms", PredictorSettings(trees=10), seed=0)
    return folder / "atoms"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", train=20, drawn=16, top=5)


def scored_with(run: Path, model: Path) -> None:
    """Makes the run's scores those of an objective with a predictor named `size`."""
    reference = {"path": str(model), "sha256": fingerprint(model)}
    component = {"name": "size", "type": "predictor", "predictor_file": reference}
    file = run / "scored" / "smiles.parquet"
    content = file.read_bytes()
    file.unlink()
    with building(file, Identity("score", {"components": [component]}, {})) as aside:
        aside.write_bytes(content)


def test_each_candidate_has_what_the_predictor_says(run: Path, model: Path, tmp_path: Path) -> None:
    written = report(run, tmp_path / "r.html", ReportSettings(neighbours=False, predictors=(str(model),)))
    data = Page(written.page).data
    found = Predictor.load(model).predict([Chem.MolFromSmiles(s) for s in data["smiles"]])
    for row, detail in enumerate(data["details"]):
        (one,) = detail["predicted"]
        assert (one["name"], one["target"], one["confidence"]) == ("atoms", "atoms", 0.9)
        assert one["value"] == pytest.approx(found.mean[row], abs=1e-5)
        assert (one["low"], one["high"]) == pytest.approx((found.low[row], found.high[row]), abs=1e-5)
        assert one["low"] < one["value"] < one["high"]
        assert one["inside"] == bool(found.inside[row])
    assert data["values"]["atoms"] == pytest.approx(found.mean, abs=1e-5)
    assert data["predictors"] == [{"name": "atoms", "inside": "".join(str(int(i)) for i in found.inside)}]
    assert "atoms" in written.csv.read_text().splitlines()[0].split(",")


def test_predictors_of_the_objective_are_found(run: Path, model: Path) -> None:
    scored_with(run, model)
    (one,) = predictors_of(open_run(run), ())
    assert (one.name, one.folder, one.own) == ("size", model, True)


def test_one_that_is_gone_or_changed_is_said(run: Path, model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    scored_with(run, copy)
    (copy / "metrics.json").write_text(json.dumps({}))
    opened = open_run(run)
    assert predictors_of(opened, ()) == []
    assert "has changed since the molecules were scored" in opened.gaps[-1]
    shutil.rmtree(copy)
    opened = open_run(run)
    assert predictors_of(opened, ()) == []
    assert "is not there any more" in opened.gaps[-1]


def test_what_is_no_predictor_is_refused(run: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a predictor"):
        report(run, tmp_path / "r.html", ReportSettings(predictors=(str(tmp_path),)))
    shutil.copytree(model, tmp_path / "MW")
    with pytest.raises(InputError, match="a column of that name; rename its folder"):
        report(run, tmp_path / "r.html", ReportSettings(neighbours=False, predictors=(str(tmp_path / "MW"),)))


def test_the_page_says_how_far_the_best_are_from_what_was_measured(run: Path, model: Path, tmp_path: Path) -> None:
    written = report(run, tmp_path / "r.html", ReportSettings(neighbours=False, predictors=(str(model),)))
    page = Page(written.page)
    found = Predictor.load(model).predict([Chem.MolFromSmiles(s) for s in page.data["smiles"]])
    assert f"{found.inside.sum()} of {len(found.inside)} candidates are inside the domain" in page.text
    assert f"median similarity {np.median(found.similarity):.2f}" in page.text
    for value, similarity, inside in zip(found.mean, found.similarity, found.inside, strict=True):
        assert f"{value:.3g}" in page.text
        assert f"{similarity:.2f} {'inside' if inside else 'outside'}" in page.text


def test_a_page_without_predictors_says_nothing_of_them(run: Path, tmp_path: Path) -> None:
    written = report(run, tmp_path / "r.html", ReportSettings(neighbours=False))
    assert "what the predictors know" not in Page(written.page).text
