"""A Slurm for the tests of this folder, and a run so small that training it takes a few seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import yaml

from .slurm import Cluster, missing

ROOT = Path(__file__).parents[2]
MODEL = "results/tiny/models/smiles"
CONFIG = {
    "run": "tiny",
    "data": ["raw.smi"],
    "prepare": {"fractions": {"train": 0.6, "valid": 0.2, "test": 0.2}},
    "families": {
        "smiles": {
            "model": {"width": 32, "layers": 1, "heads": 2},
            "training": {
                **{"molecules": 10_000, "batch_size": 64, "learning_rate": 1e-2, "precision": "fp32"},
                **{"validate_every": 4_000, "validation_molecules": 50},
            },
        }
    },
    "sample": {"n": 100},
    "objective": "objective.yaml",
    "rank": {"top": 5},
}


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """A Slurm that is up, or a skip that says why there can be none."""
    if reason := missing():
        pytest.skip(reason)
    place = Path(tempfile.mkdtemp(prefix="molgen-slurm-", dir="/var/tmp"))
    found = Cluster(place)
    try:
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="package")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose model was trained on this machine, by the same workflow, without Slurm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    left = ("C", "CC", "CO", "F", "Cl", "Br", "N", "CN", "N#C", "NC(=O)", "OC(=O)", "FC(F)(F)", "OC", "CC(C)")
    rings = ("c1ccc({})cc1", "c1cc({})ncc1", "C1CCN({})CC1", "c1cc({})sc1", "c1cc({})on1")
    right = ("C", "CC", "CO", "CCO", "C#N", "C(=O)O", "C(=O)N", "C(C)C", "C(F)(F)F", "CCN", "C(=O)C", "CCC")
    (folder / "raw.smi").write_text("".join(f"{a}{ring.format(b)}\n" for ring, a, b in product(rings, left, right)))
    (folder / "objective.yaml").write_text("components: [{type: QED}]\n")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [*snakemake(), "--cores", "2", MODEL]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def trained(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(undisturbed, tmp_path / "run", symlinks=True))


@pytest.fixture
def place(trained: Path) -> Path:
    """The same before the training."""
    shutil.rmtree(trained / MODEL)
    return trained


def snakemake(snakefile: str = "Snakefile", module: str = "snakemake") -> list[str]:
    """The command of the workflow, in the folder of a run."""
    return [sys.executable, "-m", module, "--snakefile", str(ROOT / snakefile), "--configfile", "config.yaml"]


def on_slurm(*options: str, snakefile: str = "Snakefile") -> list[str]:
    """The command of the workflow on the cluster: the profile that ships, with less patience."""
    profile = ["--workflow-profile", str(ROOT / "workflows" / "profiles" / "slurm"), "--max-threads", "2"]
    patience = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"]
    return [*snakemake(snakefile, "tests.cluster.impatient"), *profile, *patience, *options]


def environment() -> dict[str, str]:
    """Of a user: this code, checkpoints often, one thread a process."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MOLGEN_CHECKPOINT_SECONDS": "0.2"}
