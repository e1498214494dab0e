"""A small graph VAE, trained for a moment: what it draws is a molecule all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from molgen.generators.folder import load_model
from molgen.generators.graph_vae.model import GraphVAE
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

SMALL = {"width": 48, "layers": 2, "heads": 2, "encoder_width": 32, "encoder_layers": 2, "vocabulary": 150}


@pytest.fixture(scope="session")
def folder(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder."""
    out = tmp_path_factory.mktemp("graph-vae") / "model"
    training = TrainingSettings(molecules=3000, batch_size=50, learning_rate=5e-3, validate_every=1500)
    train("graph-vae", features, out, RunSettings(model=SMALL, training=training))
    return out


@pytest.fixture(scope="session")
def model(folder: Path) -> GraphVAE:
    found = load_model(str(folder), device="cpu")
    assert isinstance(found, GraphVAE)
    return found
