"""A training on a real Slurm that is disturbed once ends as one that was not, and goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from molgen.core.artifacts import fingerprint

from .conftest import MODEL, environment, on_slurm
from .slurm import NODES, Cluster, wait

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]
LOG = "results/tiny/logs/train.smiles.log"


class Run:
    """The workflow on Slurm, up to the trained model."""

    def __init__(self, cluster: Cluster, folder: Path, *options: str) -> None:
        self.cluster, self.folder = cluster, folder
        self.output = folder / "snakemake.log"
        with self.output.open("wb") as log:
            command = [*on_slurm(), MODEL, *options]  # the target first: --set-resources takes all words behind it
            self.process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)

    def job(self) -> str:
        """The training job's number, once it has saved its first checkpoint."""
        pattern = ".smiles.*.work/checkpoint.safetensors"
        wait(lambda: list((self.folder / MODEL).parent.glob(pattern)) or self._ended(), "a checkpoint", 900)
        number = self.cluster.running("train")
        assert number, f"training was over too early\n{self._story()}"
        return number

    def ends_as(self, undisturbed: Path, *, resumed: bool = True) -> None:
        """Waits for the workflow, which must succeed with the very model of `undisturbed`."""
        assert self.process.wait(1500) == 0, self._story()
        assert fingerprint(self.folder / MODEL) == fingerprint(undisturbed / MODEL)
        assert not list((self.folder / MODEL).parent.glob(".*"))
        if resumed:
            assert "train: goes on at" in (self.folder / LOG).read_text()

    def _ended(self) -> bool:
        assert self.process.poll() is None, self._story()
        return False

    def _story(self) -> str:
        return f"{self.output.read_text()}\n{self.cluster.states()}"


@pytest.fixture
def run(cluster: Cluster, place: Path) -> Callable[..., Run]:
    """`run(*options)`: starts the workflow; it is stopped with the test, and all nodes come back."""
    started: list[Run] = []

    def start(*options: str) -> Run:
        started.append(Run(cluster, place, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
    cluster.mend()


def test_scancel(run, cluster, undisturbed):
    one = run()
    job = one.job()
    cluster.do("scancel", job)
    one.ends_as(undisturbed)
    assert cluster.job(job)["JobState"] == "CANCELLED"


def test_preemption(run, cluster, undisturbed):
    one = run()
    job = one.job()
    node = cluster.job(job)["NodeList"]
    cluster.do("sbatch", "-p", "urgent", "-A", "lab", "-w", node, "--exclusive", "-o", "/dev/null", "--wrap", "sleep 1")
    wait(lambda: cluster.job(job)["JobState"] == "PENDING", "the preempted job in the queue again")
    cluster.do("scontrol", "update", f"JobId={job}", "StartTime=now")  # or in two minutes
    one.ends_as(undisturbed)
    assert cluster.job(job)["Restarts"] == "1"


def test_time_limit(run, cluster, undisturbed):
    one = run()
    job = one.job()
    for process in cluster.processes(job, "bin/molgen train"):  # or it might be done within the minute
        os.kill(process, signal.SIGSTOP)
    cluster.do("scontrol", "update", f"JobId={job}", "TimeLimit=1")  # a start may take longer than that
    one.ends_as(undisturbed)
    assert cluster.job(job)["JobState"] == "TIMEOUT"


def test_out_of_memory(run, cluster, undisturbed):
    one = run("--set-resources", "train:mem_mb=300 * attempt * attempt")
    one.ends_as(undisturbed, resumed=False)  # the first attempt does not even come to a checkpoint
    assert "OUT_OF_MEMORY" in cluster.states() or "FAILED" in cluster.states()
    assert "oom" in "".join(p.read_text().lower() for p in one.folder.glob("logs/slurm/rule_train/**/*.log"))


def test_node_failure(run, cluster, undisturbed):
    one = run()
    job = one.job()
    cluster.kill_node(cluster.job(job)["NodeList"], job)
    wait(lambda: cluster.job(job)["JobState"] == "PENDING", "the job in the queue again")
    cluster.do("scontrol", "update", f"JobId={job}", "StartTime=now")
    one.ends_as(undisturbed)
    assert cluster.job(job)["Restarts"] == "1"


def test_controller_restart(run, cluster, undisturbed):
    one = run()
    one.job()
    cluster.kill_controller()
    time.sleep(5)
    cluster.start_controller()
    one.ends_as(undisturbed, resumed=False)


def test_the_nodes_are_those_of_the_profile(cluster):
    assert set(cluster.do("sinfo", "-h", "-N", "-o", "%N").split()) == set(NODES)
