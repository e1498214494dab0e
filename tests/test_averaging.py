"""Means of weights: of models that fit together, and nothing for those that do not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from molgen.averaging import mean
from molgen.cli.main import main
from molgen.core.errors import ArtifactError, SettingsError
from molgen.data.store import Store
from molgen.generators.folder import CONFIG, WEIGHTS, load_model
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig


@pytest.fixture(scope="module")
def pair(features: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models of one shape with random weights, the second with a tally."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        config = SmilesConfig(width=16, layers=1, heads=2, tally=seed == 2)
        found.append(tmp_path_factory.mktemp("model") / f"model{seed}")
        found[-1].mkdir()
        SmilesModel.build(config, Store.open(features)).save(found[-1])
    return found


def test_each_weight_is_the_mean_by_shares(pair: list[Path], tmp_path: Path) -> None:
    mean({str(pair[0]): 0.7, str(pair[1]): 0.3}, tmp_path / "mean")
    first, second, found = (load_file(folder / WEIGHTS) for folder in (*pair, tmp_path / "mean"))
    assert found.keys() == first.keys() < second.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, 0.7 * first[name] + 0.3 * second[name])
    assert (tmp_path / "mean" / CONFIG).read_text() == (pair[0] / CONFIG).read_text()
    assert len(load_model(str(tmp_path / "mean"), device="cpu").sample(4, seed=0).smiles) == 4
    mean({str(pair[0]): 0.7, str(pair[1]): 0.3}, tmp_path / "mean")  # made already


def test_a_weight_that_another_lacks_is_refused(pair: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"model1: network.tally.code.weight is none, in .*model2 \(16, "):
        mean({str(pair[1]): 0.5, str(pair[0]): 0.5}, tmp_path / "mean")
    assert not list(tmp_path.iterdir())


def test_another_size_or_vocabulary_is_refused(pair: list[Path], tmp_path: Path) -> None:
    shutil.copytree(pair[0], tmp_path / "size")
    weights = load_file(tmp_path / "size" / WEIGHTS)
    save_file(weights | {"network.logits.weight": weights["network.logits.weight"][:-1]}, tmp_path / "size" / WEIGHTS)
    with pytest.raises(ArtifactError, match=r"size: network.logits.weight is \("):
        mean({str(pair[0]): 0.5, str(tmp_path / "size"): 0.5}, tmp_path / "mean")
    shutil.copytree(pair[0], tmp_path / "other")
    values = yaml.safe_load((tmp_path / "other" / CONFIG).read_text())
    (tmp_path / "other" / CONFIG).write_text(yaml.safe_dump(values | {"vocabulary": values["vocabulary"][::-1]}))
    with pytest.raises(ArtifactError, match="other: another vocabulary than"):
        mean({str(pair[0]): 0.5, str(tmp_path / "other"): 0.5}, tmp_path / "mean")


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (1.0,)])
def test_shares_are_positive_and_sum_to_one(pair: list[Path], shares: tuple[float, ...], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="models mean: "):
        mean(dict(zip(map(str, pair), shares, strict=False)), tmp_path / "mean")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["{0}=0.5", "{1}=0.5"], 0), (["{0}", "{1}=0.5"], 2), (["=1"], 2), (["{0}=0.5", "{0}=0.5"], 2), (["none=1"], 2)],
)
def test_the_command(
    pair: list[Path], arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [argument.format(*pair) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["molgen", "models", "mean", *given, "--out", str(tmp_path / "mean")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == code
    assert (tmp_path / "mean" / WEIGHTS).is_file() == (code == 0)


def test_adapters_and_counted_models_are_refused(pair: list[Path], tmp_path: Path) -> None:
    shutil.copytree(pair[0], tmp_path / "adapted")
    values = yaml.safe_load((tmp_path / "adapted" / CONFIG).read_text())
    for change, message in (({"adapter": {}}, "adapters of a model"), ({"family": "ngram"}, "ngram model is counted")):
        (tmp_path / "adapted" / CONFIG).write_text(yaml.safe_dump(values | change))
        with pytest.raises(SettingsError, match=message):
            mean({str(tmp_path / "adapted"): 0.5, str(pair[0]): 0.5}, tmp_path / "mean")
