"""Training over two nodes, started by srun: the curve of one process, stopped and resumed on the way."""

from __future__ import annotations

import csv
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import CONFIG, MODEL, environment, on_slurm
from .slurm import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]
SHORT = {"molecules": 3200, "batch_size": 64, "learning_rate": 1e-3, "precision": "fp32", "validate_every": 640}
SETTINGS = [f"--set=model.{key}={value}" for key, value in CONFIG["families"]["smiles"]["model"].items()]
SETTINGS += [f"--set=training.{key}={value}" for key, value in SHORT.items()]


@pytest.fixture(scope="module")
def curve(undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of one process."""
    out = tmp_path_factory.mktemp("one") / "model"
    command = _train(undisturbed, out, "--devices", "0")
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    return _losses(out)


@pytest.mark.parametrize("each", [1, 2])
def test_processes_on_two_nodes_follow_the_curve_of_one(
    cluster: Cluster, undisturbed: Path, curve: list[float], tmp_path: Path, each: int
) -> None:
    out = tmp_path / "model"
    command = _train(undisturbed, out, "--accelerator", "cpu", "--nodes", "2", "--devices", str(each))
    if each == 1:
        code, said = _srun(tmp_path, each, [*command, "--max-minutes", "0"])
        assert code == 75, said
        assert "stopped at 64 of 3,200 molecules with a checkpoint" in said
        assert not out.exists()
    code, said = _srun(tmp_path, each, command)
    assert code == 0, said
    assert said.count("model: ") == 1  # said by the first process alone
    assert ("goes on at 64 molecules" in said) == (each == 1)
    assert _losses(out) == pytest.approx(curve, abs=1e-3)


def test_the_workflow_starts_a_training_on_two_nodes(cluster: Cluster, place: Path, curve: list[float]) -> None:
    family = {"model": CONFIG["families"]["smiles"]["model"], "training": SHORT}
    (place / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "families": {"smiles": family}, "nodes": 2}))
    done = subprocess.run(on_slurm(MODEL), cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{cluster.states()}"
    assert _losses(place / MODEL) == pytest.approx(curve, abs=1e-3)
    assert cluster.jobs()[-1][1:] == ("COMPLETED", "n[1-2]", "train")


def _train(features: Path, out: Path, *options: str) -> list[str]:
    verb = [sys.executable, "-m", "molgen.cli.main", "train", "smiles"]
    return [*verb, "--features", str(features / "results/tiny/features"), "--out", str(out), *SETTINGS, *options]


def _srun(folder: Path, each: int, command: list[str]) -> tuple[int, str]:
    """The exit code of a job on both nodes and what it said."""
    log = folder / "job.log"
    size = ["--nodes=2", f"--ntasks-per-node={each}"]
    submit = ["sbatch", "--wait", "-A", "lab", "-p", "cpu", "--mem=8000", "-o", str(log), *size]
    step = shlex.join(["srun", *size, *command])
    done = subprocess.run([*submit, "--wrap", step], env=environment(), capture_output=True, text=True, check=False)
    return done.returncode, log.read_text() + done.stderr


def _losses(model: Path) -> list[float]:
    with (model / "metrics.csv").open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]
