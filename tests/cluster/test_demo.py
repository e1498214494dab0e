"""The demo, whole, on a real Slurm: the same command and configuration as on a laptop, with another profile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from molgen.core import tables

from .conftest import ROOT, environment, on_slurm
from .slurm import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(2400)]


def test_the_demo_from_data_to_page(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    command = [word if word != "config.yaml" else "workflows/config/demo.yaml" for word in on_slurm()]
    before = set(cluster.states().splitlines())
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    states = "\n".join(sorted(set(cluster.states().splitlines()) - before))
    assert done.returncode == 0, f"{done.stderr}\n{states}"
    made = tmp_path / "results" / "demo"
    assert (made / "report.html").stat().st_size > 100_000
    assert tables.read(made / "candidates.parquet", tables.CANDIDATES).num_rows == 50
    assert all(line.split()[1] == "COMPLETED" for line in states.splitlines())
    assert {line.split()[-1].split("_wildcards")[0] for line in states.splitlines()} == {
        f"rule_{name}"
        for name in ("fetch", "prepare", "featurize", "train", "sample", "score", "evaluate", "rank", "report")
    }
    assert all(line.split()[3] in ("n1", "n2") for line in states.splitlines())  # `gpus: 0`: none on the GPU node
