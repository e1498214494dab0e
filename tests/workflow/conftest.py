"""Snakemake as a subprocess, and a run so small that all of it takes a minute."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Snakemake = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def snakemake() -> Snakemake:
    """`snakemake(*options, folder=..., file="Snakefile")`: a workflow of the repository, run in a folder of its own."""

    def run(*options: str, folder: Path, file: str = "Snakefile") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / file), *options]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=280)

    return run


@pytest.fixture(scope="session")
def molecules() -> list[str]:
    """A few hundred small, real molecules: substituted rings."""
    left = ("C", "CC", "CO", "F", "Cl", "Br", "N", "CN", "N#C", "NC(=O)", "OC(=O)", "FC(F)(F)", "OC", "CC(C)")
    right = ("C", "CC", "CO", "CCO", "C#N", "C(=O)O", "C(=O)N", "C(C)C", "C(F)(F)F", "CCN", "C(=O)C", "CCC")
    rings = ("c1ccc({})cc1", "c1cc({})ncc1", "C1CCN({})CC1", "c1cc({})sc1", "c1cc({})on1")
    return [a + ring.format(b) for ring, a, b in product(rings, left, right)]
