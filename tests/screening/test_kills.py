"""Killed at any moment and started again: the same result, and no more than a chunk a worker done twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from molgen.screening import journal
from molgen.screening.screen import ScreenSettings, screen

from .conftest import contents

CHUNK, WORKERS = 8, 2
# Answers slowly, and writes down each molecule that it was asked for.
PROGRAM = """
import os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for line in sys.stdin:
    os.write(log, line.encode())
    time.sleep(float(sys.argv[2]))
    print(len(line) / 100, flush=True)
"""
START = "import molgen.screening.journal as j; j.BLOCK = 4; from molgen.cli.main import main; main()"


@pytest.mark.parametrize(
    ("count", "kills", "pause"), [(160, 3, 0.01), pytest.param(1200, 20, 0.005, marks=pytest.mark.slow)]
)
def test_sigkill_at_random_moments(tmp_path, zinc_smiles, count, kills, pause):
    library, log = tmp_path / "library.smi", tmp_path / "log"
    library.write_text("".join(f"{smiles}\n" for smiles in [*zinc_smiles[:count], "garbage"]))
    (tmp_path / "program.py").write_text(PROGRAM)

    def command(out: str, log: Path, pause: float) -> list[str]:
        program = [sys.executable, str(tmp_path / "program.py"), str(log), str(pause)]
        scorer = {"type": "external", "name": "x", "command": program, "transform": "none"}
        file = tmp_path / f"{out}.yaml"
        file.write_text(yaml.safe_dump({"components": [scorer]}))
        line = f"screen {library} --objective {file} --top 10 --out {tmp_path / out} --workers {WORKERS} --all"
        return [sys.executable, "-c", START, *line.split(), "--set", f"chunk={CHUNK}"]

    chance = random.Random(0)
    for _ in range(kills):
        begun = log.stat().st_size if log.exists() else 0
        process = subprocess.Popen(command("killed", log, pause), stderr=subprocess.DEVNULL, start_new_session=True)
        while process.poll() is None and (log.stat().st_size if log.exists() else 0) == begun:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 20 * pause))
        assert process.poll() is None  # it was killed in its work, not after it
        process.kill()
        process.wait()
        assert not (tmp_path / "killed").exists()
    subprocess.run(command("killed", log, pause), check=True, stderr=subprocess.DEVNULL)
    asked = len(log.read_text().splitlines())
    subprocess.run(command("whole", tmp_path / "log2", 0), check=True, stderr=subprocess.DEVNULL)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert count <= asked <= count + kills * WORKERS * CHUNK
    assert sorted(p.name for p in tmp_path.glob(".*")) == []  # no work folder is left


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("molgen.screening.chunk", "write_part"),
        ("molgen.screening.journal", "join"),
        ("molgen.screening.journal", "remove"),
        ("molgen.screening.part", "write"),
        ("molgen.screening.result", "write_rejects"),
        ("molgen.screening.result", "_link"),
        ("molgen.screening.screen", "remove"),
    ],
)
def test_stopped_in_the_middle_of_each_step(tmp_path, zinc_smiles, objective, monkeypatch, module, name, seed):
    """The step is done, or not, and then the process is gone, a few times over."""
    library = tmp_path / "library.smi"
    library.write_text("".join(f"{smiles}\n" for smiles in [*zinc_smiles[:60], "garbage"]))
    settings = ScreenSettings(chunk=8, full_table=True)
    monkeypatch.setattr(journal, "BLOCK", 3)
    screen([library], objective, tmp_path / "whole", top=5, settings=settings)
    step, left = getattr(import_module(module), name), [seed, seed + 1]

    def stopped(*values, **named):
        left[:1] = [count - 1 for count in left[:1]]
        if left and left[0] < 0:
            left.pop(0)
            if seed % 2:
                step(*values, **named)
            raise KeyboardInterrupt
        return step(*values, **named)

    monkeypatch.setattr(import_module(module), name, stopped)
    for _ in range(4):
        try:
            screen([library], objective, tmp_path / "out", top=5, settings=settings)
            break
        except KeyboardInterrupt:
            continue
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert [p.name for p in tmp_path.glob(".*")] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)], ids=["ctrl-C", "SIGTERM"])
def test_signals_end_with_their_code_and_keep_the_work(tmp_path, zinc_smiles, number, code):
    library = tmp_path / "library.smi"
    library.write_text("".join(f"{smiles}\n" for smiles in zinc_smiles[:200]))
    quiet = "import signal, sys, time\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"  # nobody reads it any more
    slow = f"{quiet}for line in sys.stdin: time.sleep(0.05); print(1, flush=True)"
    scorer = {"type": "external", "command": [sys.executable, "-c", slow], "transform": "none"}
    (tmp_path / "objective.yaml").write_text(yaml.safe_dump({"components": [scorer]}))
    line = f"screen {library} --objective {tmp_path / 'objective.yaml'} --out {tmp_path / 'out'} --workers 2"
    process = subprocess.Popen(
        [sys.executable, "-c", START, *line.split(), "--set", "chunk=4"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not list(tmp_path.glob(".out.*/chunks/0*")):
        time.sleep(0.02)
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code
    messages = [line for line in error.splitlines() if line.startswith("molgen: ")]
    assert messages[0].endswith("run the same command again")
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out.*/chunks/0*"))
