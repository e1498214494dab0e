"""The page of a search: what `optimize` scored and found, and how far its winners are from what predictors know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from rdkit import Chem

from molgen.optimize.search import Request, optimize
from molgen.predictor.run import Columns, train
from molgen.predictor.settings import PredictorSettings
from molgen.rank import rank
from molgen.report.report import ReportSettings, report
from molgen.report.run import open_run
from molgen.scoring.objective import Objective

from .conftest import Page
from .made import zinc


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search for many atoms, by a predictor, with its best molecules ranked in its own folder."""
    folder = tmp_path_factory.mktemp("search")
    molecules = zinc(60, seed=5)
    rows = [f"{s},{Chem.MolFromSmiles(s).GetNumHeavyAtoms()}" for s in molecules]
    (folder / "t.csv").write_text("\n".join(["smiles,atoms", *rows]))
    train(folder / "t.csv", Columns("atoms"), folder / "atoms", PredictorSettings(trees=10), seed=0)
    (folder / "start.smi").write_text("\n".join(molecules))
    transform = {"type": "sigmoid", "low": 15, "high": 30}
    size = {"type": "predictor", "name": "size", "predictor_file": str(folder / "atoms"), "transform": transform}
    objective = Objective.parse({"components": [size, {"type": "QED"}], "filters": {"MW": {"max": 450}}})
    asked = Request(objective, "genetic", 40, start=folder / "start.smi", values={"start": 12, "batch": 4})
    optimize(asked, folder / "out")
    rank([folder / "out" / "experience.parquet"], folder / "out" / "candidates.parquet", top=10)
    return folder / "out"


def test_the_page_tells_of_the_search(found: Path, tmp_path: Path) -> None:
    summary = json.loads((found / "summary.json").read_text())
    page = Page(report(found, tmp_path / "r.html", ReportSettings(neighbours=False)).page)
    assert f"10 candidates, picked from {summary['calls']} molecules that a search (genetic) scored." in page.text
    assert f"{summary['passed']} pass the filters" in page.text
    assert f"Each of the {summary['front']} on the Pareto front" in page.text
    assert f"cover {summary['hypervolume']:.3f} of all" in page.text
    assert "Missing from this report" not in page.text
    (curve,) = [dict(attrs)["src"] for tag, attrs in page.tags if tag == "img"]
    assert str(curve).startswith("data:image/svg+xml;base64,")


def test_its_predictors_say_how_far_the_winners_are(found: Path, tmp_path: Path) -> None:
    page = Page(report(found, tmp_path / "r.html", ReportSettings(neighbours=False)).page)
    assert "How far from what the predictors know" in page.text
    assert "of 10 candidates are inside the domain" in page.text
    assert all(detail["predicted"][0]["name"] == "size" for detail in page.data["details"])


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"calls": "many"}'])
def test_a_summary_that_is_none_is_a_gap(found: Path, tmp_path: Path, content: bytes) -> None:
    shutil.copytree(found, tmp_path / "out")
    (tmp_path / "out" / "summary.json").write_bytes(content)
    run = open_run(tmp_path / "out")
    assert run.search is None
    assert any("not the summary of a search" in gap for gap in run.gaps)
