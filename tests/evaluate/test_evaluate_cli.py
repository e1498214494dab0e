"""`molgen evaluate` and `molgen report` as a user meets them: what is printed, and the exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from molgen.cli.main import main
from molgen.evaluate.record import read_metrics


@pytest.fixture
def molgen(monkeypatch, capsys):
    """Runs the command line in this process: its exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["molgen", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_evaluate_prints_the_metrics(molgen, drawn, reference, tmp_path):
    code, out, _ = molgen("evaluate", drawn, "--reference", reference, "--out", tmp_path / "m.json", "--workers", 1)
    assert code == 0
    lines = {line.split()[0]: line.split()[1] for line in out.splitlines() if len(line.split()) > 1}
    assert lines["n"] == "8"
    assert lines["valid"] == "0.6250"
    assert "1 draws invalid: valence" in out
    assert (tmp_path / "m.json").is_file()


@pytest.mark.parametrize("draws", [["c1ccccc1CCN"] * 40, ["CC(C)C"] * 20, ["c1ccc2ncccc2c1"] * 20])
def test_draws_that_are_all_equal_have_intervals(molgen, draws, reference, tmp_path):
    (tmp_path / "equal.smi").write_text("\n".join(draws) + "\n")
    code, out, _ = molgen("evaluate", tmp_path / "equal.smi", "--reference", reference, "--out", tmp_path / "m.json")
    assert code == 0, out
    record = read_metrics(tmp_path / "m.json")
    for name, (low, high) in record["intervals"].items():
        assert low <= record["metrics"][name] + 1e-9, name
        assert high >= record["metrics"][name] - 1e-9, name


def test_one_cause_is_said_once(molgen, reference, tmp_path):
    (tmp_path / "none.smi").write_text("C1CC\n" * 30)
    code, out, _ = molgen("evaluate", tmp_path / "none.smi", "--reference", reference, "--out", tmp_path / "m.json")
    assert code == 0
    [line] = [line for line in out.splitlines() if "no valid molecule was drawn" in line]
    names = line.partition(": not measured")[0].split(", ")
    assert {"unique", "Novelty", "FCD/Test", "SNN/TestSF", "Scaf/Test", "QED"} <= set(names)
    assert "30 draws invalid: SMILES syntax" in out
    assert "intervals:" not in out


def test_few_draws_have_no_intervals_which_is_said(molgen, reference, tmp_path):
    (tmp_path / "one.smi").write_text("c1ccc2ncccc2c1\n")
    code, out, _ = molgen("evaluate", tmp_path / "one.smi", "--reference", reference, "--out", tmp_path / "m.json")
    assert code == 0
    assert "FCD/Test, FCD/TestSF: not measured, needs two valid draws, there is one" in out
    assert "intervals: of fewer than 20 draws, or valid draws, there are none" in out
    assert not read_metrics(tmp_path / "m.json")["intervals"]


def test_evaluate_refuses_in_one_line(molgen, drawn, reference, tmp_path):
    for arguments, said in {
        ("--reference", "mosses"): "no such folder or data set",
        ("--reference", str(reference), "--set", "limt=3"): "did you mean 'limit'?",
        ("--reference", str(reference), "--set", "limit=0"): "limit = 0",
    }.items():
        code, _, err = molgen("evaluate", drawn, *arguments, "--out", tmp_path / "m.json")
        assert code == 2
        assert said in err
        assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*m.json*"))


def test_report_names_its_files_and_what_is_missing(molgen, drawn, reference, tmp_path):
    run = tmp_path / "run"
    assert molgen("evaluate", drawn, "--reference", reference, "--out", run / "metrics" / "smiles.json")[0] == 0
    code, out, _ = molgen("report", run, "--out", run / "report.html", "--workers", 1)
    assert code == 0
    assert "missing: No candidates yet" in out
    for name in ("report.html", "candidates.sdf", "candidates.csv"):
        assert f"{run / name}" in out
        assert (run / name).is_file()


def test_report_refuses_what_is_no_run(molgen, tmp_path):
    code, _, err = molgen("report", tmp_path, "--out", tmp_path / "report.html")
    assert code == 2
    assert "holds nothing to report on" in err
    assert not (tmp_path / "report.html").exists()
