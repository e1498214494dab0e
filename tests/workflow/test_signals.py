"""A signal to snakemake alone stops what it runs, and snakemake with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from workflows.signals import pass_on
pass_on()
rule one:
    output: "out"
    shell: "trap 'echo SIGTERM > said; exit 75' TERM; trap 'echo SIGUSR1 > said; exit 75' USR1; touch ready; sleep 200"
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_reaches_the_job(tmp_path: Path, name: str) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "ready").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.Signals[name])
        assert process.wait(120) == 1
    assert (tmp_path / "said").read_text() == f"{name}\n"
