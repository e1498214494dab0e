"""Work that is cut into jobs, on a real Slurm: a screen, draws of which there are to be more, a GPU asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from molgen import doctor
from molgen.core import tables
from molgen.core.artifacts import fingerprint
from molgen.scoring.objective import Objective
from molgen.screening.screen import ScreenSettings, screen

from .conftest import CONFIG, MODEL, environment, on_slurm
from .slurm import Cluster, Job

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1200)]


def test_a_screen_gives_what_one_call_gives(cluster: Cluster, trained: Path) -> None:
    library, objective = trained / "raw.smi", trained / "objective.yaml"
    values = {"run": "screen", "library": ["raw.smi"], "objective": "objective.yaml", "top": 5, "threads": 1}
    _configure(trained, {**values, "screen": {"chunk": 100}, "shard_megabytes": library.stat().st_size / 2 / 1e6})
    sent = _run(cluster, trained, snakefile="workflows/screen.smk")
    assert [job.rule for job in sent] == ["shard", "shard", "merge"]
    screen([library], Objective.read(objective), trained / "whole", top=5, settings=ScreenSettings())
    for name in ("candidates.parquet", "rejects.parquet", "summary.json"):
        made = trained / "results" / "screen" / "screened" / name
        assert made.read_bytes() == (trained / "whole" / name).read_bytes()


def test_more_draws_take_only_the_jobs_that_are_new(cluster: Cluster, trained: Path) -> None:
    samples = "results/tiny/samples/smiles.parquet"
    _configure(trained, {**CONFIG, "sample": {"n": 2048, "shard": 2048}})
    assert [job.rule for job in _run(cluster, trained, samples)] == ["sample"]
    first = trained / "results/tiny/samples/smiles/00000000-00002048.parquet"
    written = first.stat().st_mtime_ns
    _configure(trained, {**CONFIG, "sample": {"n": 2100, "shard": 2048}})
    assert [job.rule for job in _run(cluster, trained, samples)] == ["sample"]
    assert first.stat().st_mtime_ns == written
    verb = [
        sys.executable,
        "-m",
        "molgen.cli.main",
        "sample",
        MODEL,
        "--n",
        "2100",
        "--seed",
        "0",
        "--out",
        "one.parquet",
    ]
    subprocess.run(verb, cwd=trained, env=environment(), check=True, capture_output=True)
    in_one = tables.read(trained / "one.parquet", tables.SAMPLES)
    assert tables.read(trained / samples, tables.SAMPLES).equals(in_one)


def test_a_training_on_a_gpu_is_sent_to_a_node_that_has_one(cluster: Cluster, undisturbed: Path, place: Path) -> None:
    _configure(place, {**CONFIG, "gpus": 1})
    (job,) = _run(cluster, place, MODEL)
    assert job.node == "g1"
    assert "gres/gpu=1" in cluster.do("scontrol", "show", "job", job.number)
    assert fingerprint(place / MODEL) == fingerprint(undisturbed / MODEL)  # the GPU is a pretence


def test_doctor_finds_the_slurm(cluster: Cluster) -> None:
    found = [one for one in doctor.examine() if one.subject == "Slurm"]
    assert [(one.state, one.found.split(", ")[1]) for one in found] == [("ok", "forgets ended jobs after 86400 s")]


def _configure(folder: Path, values: dict[str, object]) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(values))


def _run(cluster: Cluster, folder: Path, *options: str, snakefile: str = "Snakefile") -> list[Job]:
    """Runs a workflow to its end; the jobs that it has sent."""
    before = len(cluster.jobs())
    command = on_slurm(*options, snakefile=snakefile)
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{cluster.states()}"
    return cluster.jobs()[before:]
