"""Searches: within the budget, the same after a stop, and clear about what cannot work."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from molgen.core import tables
from molgen.core.artifacts import work_path
from molgen.core.errors import ArtifactError, InputError, MachineError
from molgen.core.tables import SCORED
from molgen.optimize import search
from molgen.optimize.compare import compare
from molgen.optimize.experience import Experience, value_of
from molgen.optimize.search import optimize
from molgen.optimize.settings import SearchSettings
from molgen.optimize.strategy import STRATEGIES
from molgen.scoring.objective import Objective
from tests.optimize.conftest import SMALL


def _calls(out):
    return tables.read(out / "experience.parquet", SCORED).to_pylist()


@pytest.mark.parametrize("strategy", ["genetic", "hybrid", "latent", "guided", "best-of-n"])
def test_a_search_spends_its_budget_on_distinct_molecules(asked, strategy, model_of, tmp_path):
    request = replace(asked, strategy=strategy, values=SMALL[strategy], model=model_of(strategy))
    found = optimize(request, tmp_path / "out")
    rows = _calls(tmp_path / "out")
    assert [row["call"] for row in rows] == list(range(1, 41))
    assert len({row["smiles"] for row in rows}) == 40
    assert found["calls"] == 40
    assert found["ended"] == "budget spent"
    best = max(rows, key=lambda row: row["score"])
    assert found["best_molecules"][0] == best["smiles"]
    assert best["score"] == pytest.approx(np.sqrt(best["similarity"] * best["QED"]))
    whole = tables.read(tmp_path / "out" / "front.parquet", SCORED).to_pylist()
    assert [row for row in rows if row["call"] in {one["call"] for one in whole}] == whole
    assert found["front"] == len(whole) >= 1
    assert max(one["similarity"] * one["QED"] for one in whole) <= found["hypervolume"] + 1e-3


class Killed(BaseException):
    pass


@pytest.mark.parametrize("strategy", ["genetic", "hybrid", "latent", "guided"])
@pytest.mark.parametrize("often", [True, False])
def test_a_stopped_search_goes_on_to_the_same_end(asked, strategy, often, model_of, tmp_path, monkeypatch):
    wished = SearchSettings(diversity="scaffold", per_scaffold=1, good=0.3, checkpoint_seconds=1e-9 if often else 1e9)
    request = replace(asked, strategy=strategy, values=SMALL[strategy], model=model_of(strategy), search=wished)
    optimize(request, tmp_path / "whole")
    real, left = search.score, [5]

    def scoring(evaluator, smiles):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return real(evaluator, smiles)

    monkeypatch.setattr(search, "score", scoring)
    with pytest.raises(Killed):
        optimize(request, tmp_path / "stopped")
    work = work_path(tmp_path / "stopped", request.identity())
    log = work / "log.jsonl"
    done = len(log.read_text().splitlines())
    assert 0 < done < 40
    log.write_text(log.read_text() + '{"smiles": "CC", "sco')  # a kill in the middle of a line
    scored = []
    monkeypatch.setattr(search, "score", lambda evaluator, smiles: scored.extend(smiles) or real(evaluator, smiles))
    optimize(request, tmp_path / "stopped")
    assert len(scored) == 40 - done  # nothing is scored twice
    assert _calls(tmp_path / "stopped") == _calls(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))


def test_a_finished_search_is_left_alone_and_another_is_refused(asked, tmp_path):
    optimize(asked, tmp_path / "out")
    before = (tmp_path / "out" / "experience.parquet").stat().st_mtime_ns
    optimize(asked, tmp_path / "out")
    assert (tmp_path / "out" / "experience.parquet").stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match=r"budget: 40 there, 41 asked for"):
        optimize(replace(asked, budget=41), tmp_path / "out")


def test_an_unfinished_search_under_another_objective_is_refused(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "score", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        optimize(asked, tmp_path / "out")
    other = Objective.parse({**asked.objective.values(), "name": "another"})
    with pytest.raises(ArtifactError, match=r"unfinished .*name: 'objective' there, 'another' asked for"):
        optimize(replace(asked, objective=other), tmp_path / "out")


def test_a_budget_smaller_than_a_batch(asked, tmp_path):
    assert optimize(replace(asked, budget=3), tmp_path / "out")["calls"] == 3
    with pytest.raises(InputError, match="at least one call"):
        optimize(replace(asked, budget=0), tmp_path / "none")


def _external(tmp_path, code: str) -> Objective:
    command = [sys.executable, "-c", f"import sys\nfor n, line in enumerate(sys.stdin): print({code}, flush=True)"]
    part = {"type": "external", "name": "pair", "command": command, "batch": 8, "transform": {"type": "none"}}
    return Objective.parse({"components": [part]})


def test_a_scorer_that_fails_for_every_molecule_ends_the_search(asked, tmp_path):
    wished = SearchSettings(no_value=10)
    request = replace(asked, objective=_external(tmp_path, "'nan'"), search=wished)
    with pytest.raises(InputError, match=r"last 10 calls gave no score \(pair has no value\)"):
        optimize(request, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_scorer_that_breaks_later_can_be_mended(asked, tmp_path):
    objective = _external(tmp_path, "0.5 if n < 14 else 'nan'")
    request = replace(asked, objective=objective, search=SearchSettings(no_value=10))
    with pytest.raises(MachineError, match="run the same command again"):
        optimize(request, tmp_path / "out")
    log = Experience(work_path(tmp_path / "out", request.identity()) / "log.jsonl")
    assert [row["score"] for row in log.rows] == [0.5] * 14  # the failed calls were taken back


def test_some_molecules_without_a_value_are_worth_nothing(asked, tmp_path):
    found = optimize(replace(asked, objective=_external(tmp_path, "'nan' if n % 2 else 0.25")), tmp_path / "out")
    assert found["scored"] == 20
    assert found["best"] == 0.25


def test_values_that_tell_nothing_are_named(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(search, "LOOKED_AT", 20)
    objective = Objective.parse({"components": [{"type": "QED"}], "filters": {"MW": {"min": 2000}}})
    found = optimize(replace(asked, objective=objective), tmp_path / "heavy")
    assert found["passed"] == 0
    assert found["best"] == 0
    assert "none of 20 molecules passes the filters (most often: MW < 2000, 20 molecules)" in capsys.readouterr().err
    optimize(replace(asked, objective=_external(tmp_path, "0.5")), tmp_path / "same")
    assert "each of 20 molecules has the score 0.5" in capsys.readouterr().err


def test_a_failed_filter_leaves_a_tenth():
    row = {"score": 0.8, "passed": False, "failed": "MW > 400; logP > 5"}
    assert value_of(row) == pytest.approx(0.008)
    assert value_of({"score": None, "passed": False, "failed": "pair has no value"}) == 0


def test_a_search_without_anything_new_ends(asked, tmp_path):
    few = tmp_path / "few.smi"
    few.write_text("CCO\nCCN\n")
    request = replace(asked, strategy="best-of-n", values={}, start=few, search=SearchSettings(nothing_new=3))
    found = optimize(request, tmp_path / "out")
    assert found["calls"] == 2
    assert found["ended"] == "no new molecule in 3 rounds"


def test_start_files_without_molecules_are_refused(asked, tmp_path):
    (tmp_path / "none.smi").write_text("C(C\nCC.O\n")
    with pytest.raises(InputError, match="no molecules in it"):
        optimize(replace(asked, start=tmp_path / "none.smi"), tmp_path / "out")


def test_unknown_strategies_name_the_nearest(asked, tmp_path):
    with pytest.raises(InputError, match="did you mean 'genetic'"):
        optimize(replace(asked, strategy="genetics"), tmp_path / "out")
    assert set(STRATEGIES) == set(SMALL)


def test_a_comparison_runs_each_seed_and_goes_on(asked, tmp_path):
    rows = compare(replace(asked, budget=12, values={}), ["best-of-n", "genetic"], 2, tmp_path / "all")
    assert [(row["strategy"], row["seeds"], row["calls"]) for row in rows] == [("best-of-n", 2, 12), ("genetic", 2, 12)]
    tops = [json.loads((tmp_path / "all" / f"genetic-{s}" / "summary.json").read_text())["top10"] for s in (3, 4)]
    assert rows[1]["top10"] == pytest.approx(np.mean(tops))
    assert rows[1]["top10.deviation"] == pytest.approx(np.std(tops, ddof=1))
    assert rows[0]["hypervolume"] > 0
    assert (tmp_path / "all" / "comparison.svg").read_text().startswith("<svg")
    assert "Hypervolume against" in (tmp_path / "all" / "hypervolume.svg").read_text()
    assert "genetic" in (tmp_path / "all" / "comparison.csv").read_text()
