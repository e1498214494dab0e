"""The training loop: a stopped run ends as an undisturbed one, whatever stopped it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from molgen.cli.main import main
from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError, MachineError, SettingsError, Stopped
from molgen.data.store import Store
from molgen.nn.transformer import Attention
from molgen.training import loop
from molgen.training.loop import CHECKPOINT
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

MODEL = {"width": 32, "layers": 1, "heads": 2, "dropout": 0.1}
TRAINING = TrainingSettings(molecules=1500, batch_size=50, learning_rate=5e-3, validate_every=400, warmup=0.1)
COMMAND = [sys.executable, "-m", "molgen.cli.main", "train", "smiles"]


def _run(features: Path, out: Path, **changes: object) -> Path:
    settings = RunSettings(model=MODEL, training=TRAINING.model_copy(update=changes))
    train("smiles", features, out, settings, accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def undisturbed(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from start to end."""
    return _run(features, tmp_path_factory.mktemp("undisturbed") / "model")


def test_a_run_stopped_again_and_again_ends_with_the_same_files(
    features: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _stop_every(monkeypatch, 7)
    for _ in range(4):  # of 30 steps
        with pytest.raises(Stopped, match="run the same command again"):
            _run(features, tmp_path / "model")
        assert not (tmp_path / "model").exists()
        steps[0] = 0
    _run(features, tmp_path / "model")
    assert fingerprint(tmp_path / "model") == fingerprint(undisturbed)
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def _stop_every(monkeypatch: pytest.MonkeyPatch, count: int, number: signal.Signals = signal.SIGTERM) -> list[int]:
    """Makes each run feel a signal after `count` steps; returns the counter."""
    taken, plain = [0], loop.Loop._step

    def step(self: loop.Loop, rows: object) -> float:
        taken[0] += 1
        if taken[0] == count:
            os.kill(os.getpid(), number)
        return plain(self, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.Loop, "_step", step)
    return taken


def test_a_killed_run_goes_on_and_ends_with_the_same_files(features: Path, tmp_path: Path) -> None:
    settings = ["--set", "model.width=32", "--set", "model.layers=1", "--set", "training.molecules=3000"]
    settings += [
        "--set",
        "training.batch_size=50",
        "--set",
        "training.validate_every=2000",
        "--features",
        str(features),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MOLGEN_CHECKPOINT_SECONDS": "0.2"}
    for name in ("killed", "whole"):
        command = [*COMMAND, *settings, "--out", str(tmp_path / name)]
        if name == "killed":
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            _wait_for(tmp_path, f".killed.*.work/{CHECKPOINT}")
            process.kill()
            process.wait()
            assert not (tmp_path / "killed").exists()
        subprocess.run(command, env=environment, check=True, capture_output=True)
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")


def _wait_for(folder: Path, pattern: str) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline, "no checkpoint within two minutes"
        time.sleep(0.02)


def test_past_its_time_it_stops_with_a_checkpoint(features: Path, tmp_path: Path) -> None:
    settings = RunSettings(model=MODEL, training=TRAINING)
    with pytest.raises(Stopped, match=r"stopped at 50 of 1,500 molecules with a checkpoint") as caught:
        train("smiles", features, tmp_path / "model", settings, max_minutes=0, accelerator="cpu")
    assert caught.value.exit_code == 75
    assert list(tmp_path.glob(f".model.*.work/{CHECKPOINT}"))


def test_the_rate_rises_is_held_and_falls(features: Path, tmp_path: Path) -> None:
    out = _run(features, tmp_path / "model", molecules=1000, validate_every=100, warmup=0.2, hold=0.5, final_rate=0.1)
    lines = [line.split(",") for line in (out / "metrics.csv").read_text().split()[1:]]
    rates = [float(rate) for _, split, _, rate in lines if split == "train"]
    assert rates[:2] == pytest.approx([5e-3 * 150 / 250, 5e-3], rel=0.01)  # 50 molecules a step, one step of grace
    assert rates[1:5] == pytest.approx([5e-3] * 4)
    left = 5e-3 * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * np.array([0.2, 0.4, 0.6, 0.8, 1.0]))))
    assert rates[5:] == pytest.approx(left)


@pytest.mark.parametrize(("native", "kept"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_run_keeps_the_precision_it_began_with(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool, kept: str
) -> None:
    asked: list[str] = []
    plain = importlib.import_module("molgen.training.train").Fabric

    def fabric(**wishes: Any) -> Any:
        asked.append(wishes["precision"])
        return plain(**wishes)

    monkeypatch.setattr("molgen.training.train.Fabric", fabric)
    settings = RunSettings(model=MODEL, training=TRAINING.model_copy(update={"molecules": 100}))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    with pytest.raises(Stopped):
        train("smiles", features, tmp_path / "model", settings, max_minutes=0, accelerator="cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": not native})
    train("smiles", features, tmp_path / "model", settings, accelerator="cpu")
    assert asked == [kept, kept]
    made = json.loads((tmp_path / "model" / "provenance.json").read_text())["made"]
    assert made["precision"] == ("bf16" if native else "fp32")


def test_done_is_done_and_other_settings_are_refused(features: Path, undisturbed: Path) -> None:
    before = (undisturbed / "provenance.json").read_text()
    _run(features, undisturbed)
    assert (undisturbed / "provenance.json").read_text() == before
    with pytest.raises(ArtifactError, match=r"training.learning_rate: 0.005 there, 0.0001 asked for"):
        _run(features, undisturbed, learning_rate=1e-4)


def test_the_weights_kept_are_the_average_of_the_best_validation(features: Path, undisturbed: Path) -> None:
    lines = [line.split(",") for line in (undisturbed / "metrics.csv").read_text().split()[1:]]
    valid = [float(loss) for _, split, loss, _ in lines if split == "valid"]
    from molgen.generators.folder import load_model

    model, store = load_model(str(undisturbed), device="cpu"), Store.open(features)
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    assert float(loss.total / loss.weight) == pytest.approx(min(valid), rel=0.02)  # bf16 there, fp32 here


def test_patience_ends_a_run_that_no_longer_improves(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([3.0, 2.0, 2.5, 2.1, 1.0])
    monkeypatch.setattr(loop.Loop, "_validation_loss", lambda self: (next(losses), 1.0, {}))
    out = _run(features, tmp_path / "model", patience=2, validate_every=100)
    assert (out / "metrics.csv").read_text().split()[-1].startswith("400,valid,2.1,")


@pytest.mark.parametrize(("keep", "says"), [("best", True), ("last", False)])
def test_it_says_which_weights_were_kept(
    features: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keep: str,
    says: bool,
) -> None:
    losses = iter([3.0, 2.0, 2.5])
    monkeypatch.setattr(loop.Loop, "_validation_loss", lambda self: (next(losses), 1.0, {}))
    sizes = [
        "model.width=16",
        "model.layers=1",
        "training.molecules=300",
        "training.validate_every=100",
        f"training.keep={keep}",
    ]
    changes = [part for change in [*sizes, "training.batch_size=50"] for part in ("--set", change)]
    out = ["--features", str(features), "--out", str(tmp_path / "model"), "--devices", "0"]
    monkeypatch.setattr(sys, "argv", ["molgen", "train", "smiles", *out, *changes])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert ("kept   loss 2.0000 after 200 molecules" in capsys.readouterr().out) == says


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_layers_that_read_codes_have_their_own_rate(features: Path, tmp_path: Path, optimizer: str) -> None:
    from safetensors.torch import load_file

    def step(rate: float) -> dict[str, torch.Tensor]:
        changes = {"molecules": 50, "batch_size": 50, "average": 0.0, "optimizer": optimizer, "code_rate": rate}
        settings = RunSettings(model=MODEL | {"tally": True}, training=TRAINING.model_copy(update=changes))
        train("smiles", features, tmp_path / f"{rate}", settings, accelerator="cpu")
        return load_file(tmp_path / f"{rate}" / "weights.safetensors")

    plain, faster = step(1.0), step(5.0)
    code = "network.tally.code.weight"  # zero before the step
    assert plain[code].abs().max() > 0
    torch.testing.assert_close(faster[code], 5 * plain[code])
    assert all(torch.equal(faster[name], plain[name]) for name in plain if name != code)


class Bare(torch.nn.Module):
    """Logits of 2,001 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Linear(8, 2001)
        for parameter in self.parameters():
            torch.nn.init.zeros_(parameter)


def test_rare_classes_stay_as_frequent_as_they_are_above_a_floor() -> None:
    """2,000 classes of which every third batch shows one: what is believed of all together, over the last steps."""
    share = torch.tensor([0.98] + [0.02 / 2000] * 2000)

    def believed(floor: float) -> float:
        torch.manual_seed(0)
        model: Any = Bare()
        settings = TrainingSettings(batch_size=16, learning_rate=1e-2, logits_floor=floor)
        (optimizer,), told = loop.optimizers_of(model, settings), []
        for _ in range(600):
            logits = model.logits(torch.randn(16, 8)) + share.log()
            torch.nn.functional.cross_entropy(logits, torch.multinomial(share, 16, replacement=True)).backward()
            optimizer.step()
            optimizer.zero_grad()
            told.append(float(torch.softmax(logits.detach(), -1)[:, 1:].sum(1).mean()))
        return float(np.mean(told[300:]))

    assert believed(0.0) < 0.01
    assert believed(0.5) == pytest.approx(0.02, rel=0.1)


def test_the_weights_that_are_kept_are_the_best_or_the_last(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    def weights(keep: str, *losses: float) -> dict[str, torch.Tensor]:
        told = iter(losses)
        monkeypatch.setattr(loop.Loop, "_validation_loss", lambda self: (next(told), 1.0, {}))
        name = f"{keep}{losses}"
        return load_file(
            _run(features, tmp_path / name, molecules=300, validate_every=100, keep=keep) / "weights.safetensors"
        )

    first, last = weights("best", 1.0, 2.0, 3.0), weights("best", 3.0, 2.0, 1.0)
    kept = weights("last", 1.0, 2.0, 3.0)
    assert all(torch.equal(kept[name], last[name]) for name in last)
    assert any(not torch.equal(kept[name], first[name]) for name in last)


def test_ctrl_c_saves_first(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stop_every(monkeypatch, 7, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _run(features, tmp_path / "model")
    assert list(tmp_path.glob(f".model.*.work/{CHECKPOINT}"))


def test_a_loss_that_is_not_finite_is_one_clear_line(features: Path, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"not finite after .* lower training.learning_rate"):
        _run(features, tmp_path / "model", learning_rate=1e30, warmup=0.0, precision="fp32")


def test_a_damaged_checkpoint_is_one_clear_line(features: Path, tmp_path: Path) -> None:
    settings = RunSettings(model=MODEL, training=TRAINING)
    with pytest.raises(Stopped):
        train("smiles", features, tmp_path / "model", settings, max_minutes=0, accelerator="cpu")
    (path,) = tmp_path.glob(f".model.*.work/{CHECKPOINT}")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ArtifactError, match=r"checkpoint cannot be read .* remove it to start anew"):
        _run(features, tmp_path / "model")


def test_an_empty_training_split_is_refused(features: Path, tmp_path: Path) -> None:
    import shutil

    import numpy as np

    shutil.copytree(features, tmp_path / "features")
    np.save(tmp_path / "features" / "splits.npy", np.ones(len(Store.open(features)), np.uint8))
    with pytest.raises(InputError, match="no molecule in the train split"):
        _run(tmp_path / "features", tmp_path / "model")


def test_bf16_weights_take_half_the_room(features: Path, undisturbed: Path, tmp_path: Path) -> None:
    half = load_file(_run(features, tmp_path / "model", save_precision="bf16") / "weights.safetensors")
    full = load_file(undisturbed / "weights.safetensors")
    save_file({k: v.bfloat16() for k, v in full.items()}, tmp_path / "expected.safetensors")
    assert all(torch.equal(half[k], v.bfloat16()) for k, v in full.items())


@pytest.mark.parametrize("wish", [{"accelerator": "quantum"}, {"strategy": "foo"}])
def test_what_is_not_to_be_had_is_refused(features: Path, tmp_path: Path, wish: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="not to be had here"):
        train("smiles", features, tmp_path / "m", RunSettings(model=MODEL, training=TRAINING), **wish)


def test_devices_must_be_positive(features: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at least 1 of each"):
        train("smiles", features, tmp_path / "m", RunSettings(model=MODEL, training=TRAINING), devices=0)


def test_two_processes_follow_the_same_loss_curve_as_one(features: Path, tmp_path: Path) -> None:
    settings = ["--features", str(features), "--set", "model.width=32", "--set", "model.layers=1"]
    settings += ["--set", "training.molecules=750", "--set", "training.batch_size=50", "--accelerator", "cpu"]
    settings += ["--set", "training.validate_every=150", "--set", "training.precision=fp32"]
    curves = []
    for devices in ("1", "2"):
        command = [*COMMAND, *settings, "--out", str(tmp_path / devices), "--devices", devices]
        done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        lines = (tmp_path / devices / "metrics.csv").read_text().split()[1:]
        curves.append([float(line.split(",")[2]) for line in lines])
    assert len(curves[0]) == len(curves[1]) >= 10
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_the_network_computes_in_the_precision_asked_for(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, dtype: torch.dtype
) -> None:
    seen, plain = set(), Attention.forward

    def forward(self: Attention, x: torch.Tensor, *rest: object) -> torch.Tensor:
        seen.add(x.dtype)
        return plain(self, x, *rest)

    monkeypatch.setattr(Attention, "forward", forward)
    _run(features, tmp_path / "model", precision=precision, molecules=100)
    assert seen == {dtype}
