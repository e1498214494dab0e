"""Stopped in the middle: ctrl-C ends every verb with code 130, nothing stands under the final name, and again works.

The signal is real and comes at a fixed point of the work; test files of the stages stop whole process groups as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from molgen.core.errors import MachineError, Stopped

from .conftest import TINY

# command line, what it is doing when it is stopped, what it writes
MIDDLE = {
    "data": ("data fetch zinc250k --out out", "molgen.data.fetch:_describe", ["out"]),
    "prepare": ("prepare run/known.smi --out out --workers 1", "molgen.data.prepare:write_json", ["out"]),
    "featurize": ("featurize run/molecules --out out --workers 1", "molgen.data.featurize:write_json", ["out"]),
    "sample": ("sample run/models/smiles --n 30 --out out.parquet", "molgen.sampling:Writer.write", ["out.parquet"]),
    "score": (
        "score run/known.smi --objective run/objective.yaml --out out.parquet",
        "molgen.scoring.score:_columns",
        ["out.parquet"],
    ),
    "rank": ("rank run/scored/smiles.parquet --out out.parquet", "molgen.rank:Writer.write", ["out.parquet"]),
    "neighbors": (
        "neighbors run/known.smi --library run/known.smi --index out --k 2",
        "molgen.data.index:write_json",
        ["out"],
    ),
    "cluster": ("cluster run/known.smi --out out.parquet", "molgen.cluster:Writer.write", ["out.parquet"]),
    "evaluate": (
        "evaluate run/known.smi --reference run/molecules --out out.json --workers 1",
        "molgen.evaluate.evaluate:_record",
        ["out.json"],
    ),
    "report": (
        "report run --out out.html --workers 1",
        "molgen.report.report:write_sdf",
        ["candidates.csv", "candidates.sdf", "out.html"],
    ),
    "models": ("models show run/models/smiles", "yaml:safe_dump", []),
}


def _interrupt_at(patch: pytest.MonkeyPatch, point: str, number: int) -> None:
    """Sends this process the signal when it comes to `module:name`."""
    module, path = point.split(":")
    *owners, name = path.split(".")
    owner = import_module(module)
    for step in owners:
        owner = getattr(owner, step)

    def stop(*_: object, **__: object) -> None:
        _receive(number)

    patch.setattr(owner, name, stop)


def _receive(number: int) -> None:
    """A signal from outside. ctrl-C comes by way of a thread, which is waited for."""
    os.kill(os.getpid(), number)
    for _ in range(1000):
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)], ids=["ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("verb", MIDDLE)
def test_stopped_and_started_again(verb, number, code, place, molgen):
    line, point, written = MIDDLE[verb]
    before = {p.name for p in place.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        _interrupt_at(patch, point, number)
        ended = molgen(line)
    assert ended.code == code
    assert len(ended.messages) == 1, ended.messages
    assert ended.messages[0].endswith("run the same command again")
    assert {p.name for p in place.iterdir()} == before
    again = molgen(line)
    assert (again.code, again.messages) == (0, [])
    made = {p.name for p in place.iterdir()} - before
    assert made == {*written, *(f"{Path(name).stem}.provenance.json" for name in written if name.startswith("out."))}


def test_a_second_signal_changes_nothing(place, molgen, monkeypatch):
    line, point, _ = MIDDLE["score"]
    main = import_module("molgen.cli.main")
    told = main._ended

    def told_late(error: BaseException) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return told(error)

    monkeypatch.setattr(main, "_ended", told_late)
    _interrupt_at(monkeypatch, point, signal.SIGTERM)
    ended = molgen(line)
    assert (ended.code, len(ended.messages)) == (75, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)], ids=["ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("error", [MachineError("a worker died"), BrokenPipeError(), OSError(28, "full"), ValueError()])
def test_a_signal_says_how_it_ended_whatever_error_comes_after_it(error, number, code, place, molgen, monkeypatch):
    def miss(*_: object, **__: object) -> None:
        with contextlib.suppress(Stopped, KeyboardInterrupt):  # as in a callback, where no error gets out
            _receive(number)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("molgen.rank.Writer.write", miss)
        ended = molgen("rank run/scored/smiles.parquet --out out.parquet")
    assert ended.code == code
    assert [message.split("; ")[-1] for message in ended.messages] == ["run the same command again"]
    assert molgen("rank run/scored/smiles.parquet --out out.parquet").code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)], ids=["ctrl-C", "SIGTERM"])
def test_train_keeps_a_checkpoint(number, code, place):
    command = [sys.executable, "-c", "from molgen.cli.main import main; main()", "train", "smiles"]
    command += ["--features", "run/features", "--out", "out", *TINY.split()]
    environment = {**os.environ, "MOLGEN_CHECKPOINT_SECONDS": "0.1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(place.glob(".out.*/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal and a batch system do: to the whole group
    _, error = process.communicate(timeout=60)
    assert process.returncode == code
    messages = [line for line in error.splitlines() if line.startswith("molgen: ")]
    assert len(messages) == 1
    assert "run the same command again" in messages[0]
    assert "Traceback" not in error
    assert not (place / "out").exists()
    assert list(place.glob(".out.*/checkpoint.safetensors"))
