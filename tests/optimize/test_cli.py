"""`molgen optimize` from the command line: what it says, and how it refuses."""

from __future__ import annotations

import sys

import pytest
import yaml

from molgen.cli.main import main


@pytest.fixture
def molgen(monkeypatch, capsys):
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["molgen", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def objective(tmp_path):
    file = tmp_path / "objective.yaml"
    file.write_text(yaml.safe_dump({"components": [{"type": "QED"}]}))
    return file


def test_a_search_and_the_ranking_of_what_it_found(molgen, objective, start_file, tmp_path):
    own = ("--objective", objective, "--start", start_file, "--set", "strategy.start=10")
    code, out, _ = molgen("optimize", *own, "--strategy", "genetic", "--budget", "15", "--out", tmp_path / "out")
    assert code == 0
    assert "15 of 15 calls (budget spent)" in out
    code, out, _ = molgen(
        "rank", tmp_path / "out" / "experience.parquet", "--top", "5", "--out", tmp_path / "c.parquet"
    )
    assert code == 0
    assert "5 candidates of 15 distinct molecules" in out
    own = (*own, "--strategies", "genetic,best-of-n", "--seeds", "2", "--budget", "12", "--out", tmp_path / "all")
    code, out, err = molgen("optimize", "compare", *own)
    assert code == 2  # best-of-n has no setting `start`
    assert "strategy best-of-n: unknown key 'start'" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--strategy is missing"),
        (("--strategy", "hybird"), "--objective is missing"),
        (("--strategy", "hybrid", "--set", "serch.good=1"), "unknown section 'serch' (did you mean 'search'?"),
        (("--strategy", "hybrid", "--set", "search.godo=1"), "search: unknown key 'godo' (did you mean 'good'?"),
    ],
)
def test_what_is_missing_or_misspelt_is_named(molgen, words, said, tmp_path):
    words = words or ("--budget", "5")
    code, _, err = molgen("optimize", *words)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_an_unknown_component_is_named(molgen, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("components:\n  - type: QDE\n")
    words = ("--objective", file, "--strategy", "hybrid", "--budget", "5", "--out", tmp_path / "out")
    code, _, err = molgen("optimize", *words)
    assert code == 2
    assert "unknown component type 'QDE' (did you mean 'QED'" in err
