"""`molgen doctor`: what is there is found, what is missing comes with a way to get it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from molgen import doctor
from molgen.cli.main import main
from molgen.core import machine


@pytest.fixture(scope="module")
def findings() -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in doctor.examine()}


def test_it_names_versions_memory_and_models(findings: dict[str, doctor.Finding]) -> None:
    import torch

    assert f"torch {torch.__version__}" in findings["libraries"].found
    assert findings["memory"].found.endswith("GB free")
    assert "smiles-moses" in findings["shipped models"].found
    assert "snakemake" in findings


def test_whatever_is_not_in_order_comes_with_advice(findings: dict[str, doctor.Finding]) -> None:
    assert all(bool(finding.advice) == (finding.state != "ok") for finding in findings.values())


def test_a_library_that_is_missing_breaks_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "NEEDED", ("rdkit", "no-such-library"))
    monkeypatch.setattr(sys, "argv", ["molgen", "doctor"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    said = capsys.readouterr()
    assert "! libraries" in said.out
    assert "missing: no-such-library" in said.out
    assert said.err.startswith("molgen: doctor: libraries: broken")


def test_scratch_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOLGEN_STATE", "/proc/nowhere")
    found = {finding.subject: finding for finding in doctor._scratch()}
    assert found["unfinished runs"].state == "broken"
    monkeypatch.setenv("MOLGEN_STATE", str(tmp_path / "made" / "later"))
    assert {finding.subject: finding for finding in doctor._scratch()}["unfinished runs"].state != "broken"


@pytest.mark.parametrize(("age", "state"), [("300", "ok"), ("60", "absent")])
def test_a_slurm_that_forgets_too_soon_is_noticed(monkeypatch: pytest.MonkeyPatch, age: str, state: str) -> None:
    said = f"MinJobAge               = {age} sec\nSLURM_VERSION           = 22.05.8\n"
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: done)
    (finding,) = doctor._slurm()
    assert finding.found == f"22.05.8, forgets ended jobs after {age} s"
    assert finding.state == state


def test_memory_is_the_control_groups_where_that_is_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "GROUP_LIMITS", (tmp_path / "none",))
    whole = machine.total_memory()
    import os

    assert whole == pytest.approx(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), rel=0.05)
    (tmp_path / "limit").write_text("1000000\n")
    monkeypatch.setattr(machine, "GROUP_LIMITS", (tmp_path / "limit",))
    assert machine.total_memory() == 1_000_000
    (tmp_path / "limit").write_text("max\n")
    assert machine.total_memory() == whole
