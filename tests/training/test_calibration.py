"""Calibration: its gradient is that of the exact divergence, and draws come nearer to the training molecules."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from rdkit import Chem
from rdkit.Chem.Descriptors import MolWt
from torch import Tensor, nn

from molgen.core.artifacts import fingerprint
from molgen.core.errors import InputError, SettingsError, Stopped
from molgen.generators.folder import load_model
from molgen.training import loop
from molgen.training.calibration import BINS, Asking, Calibration, Feature, systematic
from molgen.training.settings import CalibrationSettings, RunSettings, TrainingSettings
from molgen.training.train import train

TEXTS = ["CCO", "CCCCCC", "c1ccccc1O", "C1CC", "CCCCCCCCCC"]  # the fourth is no molecule
IN_TRAINING = ["CCO", "CCO", "CCCCCC", "c1ccccc1O"]  # nothing as heavy as the fifth
LIMIT = 4.0


class Categorical(nn.Module):
    """A distribution over a few texts."""

    conditions = None

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([0.1, 0.5, -0.3, -0.6, -0.2], dtype=torch.float64))

    def draw_texts(self, draws: np.ndarray, seed: int, *, asked: np.ndarray | None = None) -> list[str | None]:
        shares = self.logits.softmax(0).numpy()
        return [TEXTS[i] for i in np.random.default_rng(seed).choice(len(TEXTS), len(draws), p=shares)]

    def log_prob(self, smiles: Sequence[str], *, asked: np.ndarray | None = None) -> Tensor:
        return self.logits.log_softmax(0)[[TEXTS.index(text) for text in smiles]]


@pytest.fixture
def store() -> Any:
    """What calibration asks of a feature store."""
    weights = np.array([MolWt(Chem.MolFromSmiles(s)) for s in IN_TRAINING], np.float32)
    return SimpleNamespace(rows=lambda split: np.arange(len(weights)), column=lambda name: {"MW": weights}[name])


def _exact(model: Categorical, calibration: Calibration) -> tuple[float, np.ndarray]:
    """The divergence and its gradient, by enumeration."""
    shares = model.logits.detach().softmax(0).numpy()
    molecules = shares * np.array([1, 1, 1, 0, 1])
    bins = [calibration.features[0]._bins(np.float32([MolWt(Chem.MolFromSmiles(t))]))[0] for t in TEXTS if t != "C1CC"]
    of_text = np.insert(np.array(bins), 3, 0)
    known = [bins[TEXTS.index(smiles)] for smiles in IN_TRAINING]
    nats = np.full(len(TEXTS), LIMIT)
    for i in (0, 1, 2, 4):
        share = molecules[of_text == of_text[i]].sum() / molecules.sum()
        target = np.mean([b == of_text[i] for b in known])
        nats[i] = min(LIMIT, np.log(share / target)) if target else LIMIT
    # d p(x) / d logits_j = p(x) (1[x = j] - p_j)
    return float(shares @ nats), shares * nats - shares * (shares @ nats)


@pytest.mark.parametrize("shown", [16, 1000])
def test_the_gradient_is_that_of_the_divergence(store: Any, shown: int) -> None:
    model = Categorical()
    settings = CalibrationSettings(draws=1000, shown=shown, weight=1.0, limit=LIMIT, properties=("MW",))
    calibration = Calibration(settings, store, model)
    value, gradient = _exact(model, calibration)
    totals = []
    for seed in range(60):
        torch.manual_seed(seed)
        loss = calibration.loss(molecules=1, weight=7.0)
        loss.total.backward()
        totals.append(float(loss.total.detach()))
        assert 0 < float(loss.parts["off"]) / 7.0 < 0.3
    assert np.mean(totals) == pytest.approx(value, rel=0.02)
    assert model.logits.grad is not None
    np.testing.assert_allclose(model.logits.grad.numpy() / 60, gradient, atol=0.02)
    assert np.abs(gradient).max() > 0.2  # the tolerance tells something


def test_its_settings_can_be_given_as_they_are_written() -> None:
    settings = TrainingSettings()
    assert TrainingSettings(**settings.values()) == settings


def test_asked_draws_are_beside_others() -> None:
    with pytest.raises(ValidationError, match=r"calibration\.asked: further draws; give calibration\.draws as well"):
        CalibrationSettings(asked=10)


def test_unknown_values_are_no_part_of_a_distribution() -> None:
    values = np.float32([1, 2, np.nan, 3, 4, np.inf])
    with_gaps, known = Feature("a", values, LIMIT), Feature("a", values[np.isfinite(values)], LIMIT)
    np.testing.assert_array_equal(with_gaps.edges, known.edges)
    np.testing.assert_array_equal(with_gaps.shares, known.shares)


def test_it_counts_per_molecule_of_the_batch(store: Any) -> None:
    calibration = Calibration(CalibrationSettings(draws=200, weight=3.0), store, Categorical())
    found = []
    for molecules in (1, 10):
        torch.manual_seed(0)
        found.append(float(calibration.loss(molecules, 1.0).total.detach()))
    assert found[1] == pytest.approx(10 * found[0])
    torch.manual_seed(0)
    assert found[0] == pytest.approx(3.0 * LIMIT * float(calibration.loss(1, 1.0).parts["off"]))


def test_a_feature_measures_by_the_shares_of_its_bins() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(300, 30, 5000).astype(np.float32)
    feature = Feature("MW", values, LIMIT)
    assert feature.shares[[0, -1]].tolist() == [0, 0]
    np.testing.assert_allclose(feature.shares[1:-1], 1 / BINS, atol=2e-3)
    assert np.abs(feature.off(values)).max() < 1e-9  # the training molecules themselves
    draws = np.concatenate([values[:100], np.float32([values.min() - 1, values.max() + 1])])
    off = feature.off(draws)
    assert off[-2:].tolist() == [LIMIT, LIMIT]
    place = feature._bins(draws)
    assert off[0] == pytest.approx(np.log((place == place[0]).mean() / feature.shares[place[0]]))


def test_few_values_are_few_bins() -> None:
    feature = Feature("rings", np.float32([1, 2, 2, 3, 3, 3]), LIMIT)
    assert feature.shares.sum() == 1
    assert feature.off(np.float32([0, 4])).tolist() == [LIMIT, LIMIT]
    assert np.isfinite(feature.off(np.float32([1, 2, 3]))).all()
    alike = Feature("charge", np.zeros(4, np.float32), LIMIT)
    assert alike.off(np.float32([0, 0])).tolist() == [0, 0]
    assert alike.off(np.float32([0, 1]))[1] == LIMIT


def test_systematic_sampling_takes_each_by_its_weight() -> None:
    weights = np.array([0.0, 1.0, 2.0, 0.0, 5.0])
    taken = np.mean([systematic(weights, 4, np.random.default_rng(seed)) for seed in range(2000)], axis=0)
    np.testing.assert_allclose(taken, weights / weights.sum() * 4, atol=0.05)
    assert systematic(np.zeros(3), 4, np.random.default_rng(0)).tolist() == [0, 0, 0]


MODEL = {"width": 32, "layers": 1, "heads": 2}
CALIBRATED = CalibrationSettings(draws=128, shown=64, weight=20.0, properties=("MW",))


@pytest.fixture(scope="module")
def begun(simple: Path) -> Path:
    """A model that has learnt a little."""
    settings = TrainingSettings(molecules=6_000, batch_size=50, learning_rate=1e-2, average=0.9)
    train("smiles", simple, simple.parent / "model", RunSettings(model=MODEL, training=settings), accelerator="cpu")
    return simple.parent / "model"


def _further(simple: Path, begun: Path, out: Path, calibration: CalibrationSettings, **changes: Any) -> Path:
    settings = TrainingSettings(molecules=1500, batch_size=50, learning_rate=2e-3, average=0.9, calibration=calibration)
    train("smiles", simple, out, RunSettings(training=settings.model_copy(update=changes), start=str(begun)))
    return out


def test_more_draws_are_molecules(simple: Path, begun: Path, tmp_path: Path) -> None:
    valid = {}
    for name, calibration in (("with", CALIBRATED), ("without", CalibrationSettings())):
        model = load_model(_further(simple, begun, tmp_path / name, calibration))
        valid[name] = sum(smiles is not None for smiles in model.sample(1000, seed=5).smiles) / 1000
    assert valid["with"] > valid["without"] + 0.03
    columns = (tmp_path / "with/metrics.csv").read_text().splitlines()[0].split(",")
    assert columns[-1] == "off"


def test_stopped_and_started_again_it_ends_with_the_same_files(
    simple: Path, begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, plain = [0], loop.Loop._step

    def step(self: loop.Loop, rows: np.ndarray) -> float:
        taken[0] += 1
        self._stop_signal = 15 if taken[0] == 2 else 0
        return plain(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_step", step)
        with pytest.raises(Stopped):
            _further(simple, begun, tmp_path / "stopped", CALIBRATED, molecules=200)
        _further(simple, begun, tmp_path / "stopped", CALIBRATED, molecules=200)
    _further(simple, begun, tmp_path / "whole", CALIBRATED, molecules=200)
    assert fingerprint(tmp_path / "stopped") == fingerprint(tmp_path / "whole")


def test_what_is_asked_is_measured_in_spreads() -> None:
    weights = np.array([MolWt(Chem.MolFromSmiles(s)) for s in IN_TRAINING], np.float32)
    store: Any = SimpleNamespace(column=lambda name: {"MW": weights, "logP": np.float32([0, 1, 2, 3])}[name])
    settings = CalibrationSettings(draws=2, asked=50, spread=0.5, limit=LIMIT)
    conditions: Any = SimpleNamespace(names=["MW", "logP"])
    asking = Asking(settings, conditions, store, np.arange(4))
    torch.manual_seed(0)
    wishes = asking.wishes()
    assert wishes.shape == (50, 2)
    assert {round(float(w), 3) for w in wishes[:, 0] if np.isfinite(w)} == {round(float(w), 3) for w in weights}
    mols = [Chem.MolFromSmiles("CCO"), Chem.MolFromSmiles("CCO"), None, Chem.MolFromSmiles("C" * 40)]
    asked = np.array([[weights[0], np.nan], [weights[2], np.nan], [np.nan, np.nan], [weights[0], 1.0]])
    off = asking.off(mols, asked)
    spread = 0.5 * weights.std()
    assert off[0] == pytest.approx(0, abs=1e-6)
    assert off[1] == pytest.approx(min(LIMIT, ((weights[2] - weights[0]) / spread) ** 2 / 2), rel=1e-4)
    assert off[2:].tolist() == [LIMIT, LIMIT]


def test_draws_have_more_of_what_is_asked(simple: Path, tmp_path: Path) -> None:
    model = {**MODEL, "conditions": ["MW"], "unconditional": 0.3}
    settings = TrainingSettings(molecules=6_000, batch_size=50, learning_rate=1e-2, average=0.9)
    train("smiles", simple, tmp_path / "model", RunSettings(model=model, training=settings), accelerator="cpu")
    asking = CalibrationSettings(draws=64, asked=128, shown=64, weight=20.0)
    wishes = np.tile([[110.0], [150.0], [190.0]], (150, 1))
    missed = {}
    for name, calibration in (("with", asking), ("without", CalibrationSettings())):
        found = load_model(_further(simple, tmp_path / "model", tmp_path / name, calibration))
        texts = found.draw_texts(np.arange(len(wishes)), 3, asked=wishes)
        mols = [Chem.MolFromSmiles(text or "C1") for text in texts]
        missed[name] = np.mean([abs(MolWt(mol) - wish) for mol, (wish,) in zip(mols, wishes, strict=True) if mol])
    assert missed["with"] < 0.75 * missed["without"], missed


def test_what_cannot_be_calibrated_is_one_clear_line(features: Path, tmp_path: Path) -> None:
    training = TrainingSettings(molecules=50, batch_size=50, calibration=CALIBRATED)
    with pytest.raises(SettingsError, match="calibration: draws of this family have no likelihood; leave it out"):
        train("graph-diffusion", features, tmp_path / "m", RunSettings(training=training), accelerator="cpu")
    unasked = TrainingSettings(molecules=50, calibration=CalibrationSettings(draws=10, asked=10))
    with pytest.raises(SettingsError, match=r"calibration\.asked: this model knows no conditions; leave it out"):
        train("smiles", features, tmp_path / "m", RunSettings(model=MODEL, training=unasked), accelerator="cpu")
    wrong = TrainingSettings(molecules=50, calibration=CalibrationSettings(draws=10, properties=("MWt",)))
    with pytest.raises(InputError, match="no property 'MWt' in this feature store"):
        train("smiles", features, tmp_path / "m", RunSettings(model=MODEL, training=wrong), accelerator="cpu")


@pytest.mark.slow
def test_two_processes_follow_the_curve_of_one(simple: Path, begun: Path, tmp_path: Path) -> None:
    """Each makes draws of its own, so the curves are the same only where these count next to nothing."""
    shared = ["--features", str(simple), "--set", f"start={begun}", "--set", "training.molecules=600"]
    shared += ["--set", "training.batch_size=50", "--set", "training.precision=fp32", "--accelerator", "cpu"]
    shared += ["--set", "training.calibration.draws=64", "--set", "training.calibration.weight=1e-9"]
    curves = []
    for devices in ("1", "2"):
        command = [sys.executable, "-m", "molgen.cli.main", "train", "smiles", *shared, "--devices", devices]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        out = tmp_path / devices
        done = subprocess.run([*command, "--out", str(out)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        lines = [line.split(",") for line in (out / "metrics.csv").read_text().split()[1:]]
        assert all(0 <= float(line[4]) < 0.5 for line in lines)
        curves.append([float(line[2]) for line in lines])
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)
