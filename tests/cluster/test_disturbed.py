"""A training on a real Slurm that is disturbed once ends as one that was not, and goes on where it was.

It is held at its first checkpoint until the disturbance has come, so that nothing depends on how fast a machine is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
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

    def held(self) -> tuple[str, int]:
        """The training's job and process, which stands still with its first checkpoint saved."""
        pattern = ".smiles.*.work/checkpoint.safetensors"
        wait(lambda: list((self.folder / MODEL).parent.glob(pattern)) or self._ended(), "a checkpoint", 900)
        job = self.cluster.running("train")
        processes = self.cluster.processes(job, "bin/molgen train") if job else []
        assert processes, f"training was over too early\n{self._story()}"
        os.kill(processes[0], signal.SIGSTOP)
        return job, processes[0]

    def ends_as(self, undisturbed: Path, *, resumed: bool = True) -> None:
        """Waits for the workflow, which must succeed with the very model of `undisturbed`."""
        assert self.process.wait(1500) == 0, self._story()
        assert fingerprint(self.folder / MODEL) == fingerprint(undisturbed / MODEL)
        assert not list((self.folder / MODEL).parent.glob(".*"))
        if resumed:
            assert "train: goes on at" in (self.folder / LOG).read_text()

    def said(self) -> str:
        """What all attempts of the job have said."""
        return "".join(path.read_text() for path in self.folder.glob("logs/slurm/rule_train/**/*.log"))

    def _ended(self) -> bool:
        assert self.process.poll() is None, self._story()
        return False

    def _story(self) -> str:
        return f"{self.output.read_text()}\n{self.cluster.states()}"


@pytest.fixture
def run(cluster: Cluster, place: Path) -> Iterator[Callable[..., Run]]:
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
    job, _ = one.held()
    cluster.do("scancel", job)
    one.ends_as(undisturbed)
    cluster.becomes(job, "CANCELLED")


def test_preemption(run, cluster, undisturbed):
    one = run()
    job, _ = one.held()
    node = cluster.job(job)["NodeList"]
    cluster.do("sbatch", "-p", "urgent", "-A", "lab", "-w", node, "--exclusive", "-o", "/dev/null", "--wrap", "sleep 1")
    cluster.becomes(job, "PENDING")
    cluster.do("scontrol", "update", f"JobId={job}", "StartTime=now")  # or in two minutes
    one.ends_as(undisturbed)
    assert cluster.job(job)["Restarts"] == "1"


def test_time_limit(run, cluster, undisturbed):
    one = run()
    job, _ = one.held()
    cluster.do("scontrol", "update", f"JobId={job}", "TimeLimit=1")  # minutes, from its start
    cluster.becomes(job, "TIMEOUT")
    one.ends_as(undisturbed)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_to_the_first_process_of_a_step(run, cluster, undisturbed, name):
    one = run()
    job, process = one.held()
    os.kill(cluster.snakemake_of(process), signal.Signals[name])
    os.kill(process, signal.SIGCONT)
    cluster.becomes(job, "FAILED")
    assert "train: stopped at" in one.said()
    one.ends_as(undisturbed)


def test_a_warning_before_the_time_limit(run, cluster, undisturbed):
    one = run()
    job, process = one.held()
    cluster.do("scancel", "--signal=USR1", job)  # what `slurm_extra: --signal=USR1@300` sends
    os.kill(process, signal.SIGCONT)
    cluster.becomes(job, "FAILED")
    assert "train: stopped at" in one.said()
    one.ends_as(undisturbed)


def test_out_of_memory(run, cluster, undisturbed):
    before = len(cluster.jobs())
    one = run("--set-resources", "train:mem_mb=300 * attempt * attempt")
    one.ends_as(undisturbed, resumed=False)  # the first attempt does not even come to a checkpoint
    states = [job.state for job in cluster.jobs()[before:]]
    assert set(states[:-1]) <= {"OUT_OF_MEMORY", "FAILED"}
    assert (len(states) > 1, states[-1]) == (True, "COMPLETED")
    assert "Exceeded job memory limit" in one.said()


def test_node_failure(run, cluster, undisturbed):
    one = run()
    job, _ = one.held()
    cluster.kill_node(cluster.job(job)["NodeList"], job)
    cluster.becomes(job, "PENDING")
    cluster.do("scontrol", "update", f"JobId={job}", "StartTime=now")
    one.ends_as(undisturbed)
    assert cluster.job(job)["Restarts"] == "1"


def test_controller_restart(run, cluster, undisturbed):
    one = run()
    job, process = one.held()
    cluster.kill_controller()
    os.kill(process, signal.SIGCONT)
    time.sleep(5)  # in which Snakemake asks in vain
    cluster.start_controller()
    one.ends_as(undisturbed, resumed=False)
    cluster.becomes(job, "COMPLETED")


def test_the_login_node_dies(run, cluster, place, undisturbed):
    """Snakemake is gone at once; its job goes on, and is not done again by the same command."""
    one = run()
    job, process = one.held()
    one.process.kill()
    one.process.wait()
    os.kill(process, signal.SIGCONT)
    cluster.becomes(job, "COMPLETED")
    before = len(cluster.jobs())
    subprocess.run([*on_slurm(), MODEL, "--unlock"], cwd=place, env=environment(), check=True, capture_output=True)
    run().ends_as(undisturbed, resumed=False)
    assert not cluster.jobs()[before:]


def test_the_nodes_are_those_of_the_profile(cluster):
    assert set(cluster.do("sinfo", "-h", "-N", "-o", "%N").split()) == set(NODES)
