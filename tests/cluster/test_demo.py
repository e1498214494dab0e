"""The demo from data to page on a real Slurm: a laptop's command with another profile, and a tenth of the work."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from molgen.core import tables
from molgen.planning.plan import plan
from molgen.planning.rates import used

from .conftest import ROOT, environment, on_slurm
from .slurm import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(2400)]
COUNTS = {"sample", "molecules", "n", "validate_every", "validation_molecules", "limit", "reference_limit"}


def test_the_demo_from_data_to_page(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    config = yaml.safe_load((ROOT / "workflows/config/demo.yaml").read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(_tenth(config)))
    before = len(cluster.jobs())
    done = subprocess.run(on_slurm(), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{cluster.states()}"
    made = tmp_path / "results" / "demo"
    assert (made / "report.html").stat().st_size > 100_000
    assert tables.read(made / "candidates.parquet", tables.CANDIDATES).num_rows > 0
    sent = cluster.jobs()[before:]
    assert {job.state for job in sent} == {"COMPLETED"}
    assert {job.node for job in sent} <= {"n1", "n2"}  # `gpus: 0`: none on the GPU node
    planned = {one.work.name for one in plan(tmp_path / "config.yaml", cores=2)}
    assert {job.rule for job in sent} == {name.split(".")[0] for name in planned}
    assert set(used(made)) == planned - {"fetch"}  # which belongs to no run


def _tenth(values: Any) -> Any:
    """A configuration with a tenth of its molecules."""
    if not isinstance(values, dict):
        return values
    return {k: v // 10 if k in COUNTS and isinstance(v, int) else _tenth(v) for k, v in values.items()}
