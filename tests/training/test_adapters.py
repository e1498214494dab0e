"""Low-rank adapters: small, apart from their base, and nothing without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from molgen.core.artifacts import fingerprint
from molgen.core.errors import MolgenError, SettingsError
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.training import loop
from molgen.training.settings import AdapterSettings, RunSettings
from molgen.training.train import train
from tests.training.conftest import FIRST, further, valid_losses


def test_a_gru_is_adapted_too(features: Path, series: Path, tmp_path: Path) -> None:
    model = {"width": 32, "layers": 1, "heads": 2, "architecture": "gru"}
    train("smiles", features, tmp_path / "gru", RunSettings(model=model, training=FIRST), accelerator="cpu")
    out = further(series, tmp_path / "model", tmp_path / "gru", AdapterSettings(rank=4), learning_rate=1e-2)
    names = {name.rpartition(".")[0].rpartition(".")[2] for name in load_file(out / "weights.safetensors")}
    assert names == {"inputs", "hidden"}
    assert min(valid_losses(out)) < 0.98 * valid_losses(out)[0]
    assert load_model(str(out), device="cpu").sample(5, seed=0).smiles


def test_adapters_are_small_and_apart(adapted: Path, start: Path) -> None:
    assert {p.name for p in adapted.iterdir()} == {
        "config.yaml", "weights.safetensors", "metrics.csv", "provenance.json", "tensorboard"
    }  # fmt: skip
    weights = load_file(adapted / "weights.safetensors")
    names = {name.rpartition(".")[0].rpartition(".")[2] for name in weights}
    assert names == {"qkv", "out", "up", "down"}
    assert all(t.dtype == torch.bfloat16 and 4 in t.shape for t in weights.values())
    assert yaml.safe_load((adapted / "config.yaml").read_text())["base"]["model"] == "../start"


def test_an_adapted_model_is_its_base_plus_the_products(adapted: Path, start: Path) -> None:
    base, model = load_model(str(start), device="cpu"), load_model(str(adapted), device="cpu")
    kept = load_file(adapted / "weights.safetensors")
    before, after = base.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    for name in before:
        change = torch.zeros_like(before[name])
        if f"{name.removesuffix('.weight')}.A" in kept:
            layer = name.removesuffix(".weight")
            change = kept[f"{layer}.B"].float() @ kept[f"{layer}.A"].float()
            assert change.abs().max() > 0
        assert torch.allclose(after[name], before[name] + change, atol=1e-6), name
    assert model.sample(20, seed=1) != base.sample(20, seed=1)


def test_the_adapted_model_has_the_loss_it_was_chosen_for(adapted: Path, series: Path) -> None:
    model = load_model(str(adapted), device="cpu")
    store = model.in_own_ids(Store.open(series))
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    assert float(loss.total / loss.weight) == pytest.approx(min(valid_losses(adapted)), rel=0.02)  # bf16 there


def test_an_adapter_goes_on_an_adapted_model(adapted: Path, series: Path, tmp_path: Path) -> None:
    out = further(series, tmp_path / "model", adapted, AdapterSettings(rank=2, layers=("up",)), molecules=40)
    assert load_model(str(out), device="cpu").sample(5, seed=0).smiles


def _without(folder: Path) -> None:
    shutil.rmtree(folder / "start")


def _changed(folder: Path) -> None:
    config = folder / "start" / "config.yaml"
    config.write_text(config.read_text() + "\n# changed\n")


def _cut(folder: Path) -> None:
    (folder / "start" / "weights.safetensors").unlink()


def _nameless(folder: Path) -> None:
    values = yaml.safe_load((folder / "model" / "config.yaml").read_text())
    (folder / "model" / "config.yaml").write_text(yaml.safe_dump({k: v for k, v in values.items() if k != "base"}))


def _others(folder: Path) -> None:
    shutil.copy(folder / "start" / "weights.safetensors", folder / "model" / "weights.safetensors")
    weights = load_file(folder / "model" / "weights.safetensors")
    from safetensors.torch import save_file

    save_file({"network.nowhere.A": next(iter(weights.values())).clone()}, folder / "model" / "weights.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without, "model: its base model ../start is not there; put it at"),
        (_changed, r"model: its base model .*start has changed since; put the old one back"),
        (_cut, r"model: its base model cannot be read \(.*no such file"),
        (_nameless, "config.yaml is not whole: no 'base' in it"),
        (_others, "model: adapters do not fit their base"),
    ],
)
def test_an_adapter_without_its_base_is_one_clear_line(
    adapted: Path, tmp_path: Path, damage: object, message: str
) -> None:
    shutil.copytree(adapted.parent, tmp_path / "project")
    assert load_model(str(tmp_path / "project" / "model"), device="cpu").sample(2, seed=0).smiles  # moved together
    damage(tmp_path / "project")  # type: ignore[operator]
    with pytest.raises(MolgenError, match=message) as caught:
        load_model(str(tmp_path / "project" / "model"))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_adapters_need_a_start_and_layers_that_there_are(series: Path, start: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="adapters change a trained model; name it as start"):
        RunSettings.load(None, ["adapter.rank=8"])
    with pytest.raises(SettingsError, match=r"no linear layer 'uq' \(did you mean 'up'\?"):
        further(series, tmp_path / "model", start, AdapterSettings(layers=("uq",)))


@pytest.mark.slow
def test_a_killed_adaptation_goes_on_and_ends_with_the_same_files(series: Path, start: Path, tmp_path: Path) -> None:
    settings = ["training.molecules=8000", "training.batch_size=20", f"start={start}", "adapter.rank=4"]
    command = [sys.executable, "-m", "molgen.cli.main", "train", "smiles", "--features", str(series)]
    command += [f"--set={s}" for s in settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MOLGEN_CHECKPOINT_SECONDS": "0.2"}
    process = subprocess.Popen([*command, "--out", str(tmp_path / "killed")], env=environment)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(f".killed.*.work/{loop.CHECKPOINT}")):
        assert time.monotonic() < deadline, "no checkpoint within two minutes"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "killed").exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, "--out", str(tmp_path / name)], env=environment, check=True, capture_output=True)
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")
