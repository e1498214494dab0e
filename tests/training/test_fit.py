"""Families that count: a fit that is stopped goes on to the same weights, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from molgen.core.errors import ArtifactError, Stopped
from molgen.generators.folder import CONFIG, WEIGHTS
from molgen.training.loop import CHECKPOINT
from molgen.training.settings import RunSettings
from molgen.training.train import train

HMM = RunSettings(model={"states": 6, "molecules": 400, "batch": 100})


def test_a_stopped_fit_goes_on_to_the_same_weights(
    features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("hmm", features, tmp_path / "whole", HMM)
    for done in (100, 200, 300):
        with pytest.raises(Stopped, match=f"stopped at {done} of 400 molecules with a checkpoint"):
            train("hmm", features, tmp_path / "parts", HMM, max_minutes=0)
        assert not (tmp_path / "parts").exists()
    assert train("hmm", features, tmp_path / "parts", HMM)["train"]["molecules"] == "400"
    assert "goes on at 300 molecules" in capsys.readouterr().err
    for name in (CONFIG, WEIGHTS):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"parts", "whole"}


def test_what_was_done_may_lie_elsewhere(features: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train("hmm", features, tmp_path / "out" / "model", HMM, max_minutes=0, state=tmp_path / "state")
    assert [path.name for path in (tmp_path / "state").rglob("*.safetensors")] == [CHECKPOINT]


def test_a_damaged_checkpoint_is_one_line(features: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train("hmm", features, tmp_path / "model", HMM, max_minutes=0)
    checkpoint = next(tmp_path.rglob(CHECKPOINT))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-20])
    with pytest.raises(ArtifactError, match=r"checkpoint cannot be read .*remove it to start anew"):
        train("hmm", features, tmp_path / "model", HMM)
