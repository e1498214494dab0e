"""The demo, whole, on a real Slurm: the same command and configuration as on a laptop, with another profile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from molgen.core import tables
from molgen.planning.plan import plan
from molgen.planning.rates import used

from .conftest import ROOT, environment, on_slurm
from .slurm import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(2400)]
DEMO = "workflows/config/demo.yaml"


def test_the_demo_from_data_to_page(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    command = [word if word != "config.yaml" else DEMO for word in on_slurm()]
    before = len(cluster.jobs())
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{cluster.states()}"
    made = tmp_path / "results" / "demo"
    assert (made / "report.html").stat().st_size > 100_000
    assert tables.read(made / "candidates.parquet", tables.CANDIDATES).num_rows == 50
    sent = cluster.jobs()[before:]
    assert {job.state for job in sent} == {"COMPLETED"}
    assert {job.node for job in sent} <= {"n1", "n2"}  # `gpus: 0`: none on the GPU node
    planned = {one.work.name for one in plan(tmp_path / DEMO, cores=2)}
    assert {job.rule for job in sent} == {name.split(".")[0] for name in planned}
    assert set(used(made)) == planned - {"fetch"}  # which belongs to no run
