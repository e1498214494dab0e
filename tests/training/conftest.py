"""A small trained model, a series that it has not seen, and what training on from it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from molgen.data.featurize import featurize
from molgen.data.prepare import prepare
from molgen.data.prepare_settings import PrepareSettings
from molgen.training.settings import AdapterSettings, RunSettings, TrainingSettings
from molgen.training.train import train

MODEL = {"width": 32, "layers": 1, "heads": 2}
FIRST = TrainingSettings(molecules=1500, batch_size=50, learning_rate=5e-3)
FURTHER = TrainingSettings(molecules=400, batch_size=20, learning_rate=1e-3)
RINGS = ("c1ccccc1", "c1ccncc1", "C1CCNCC1", "C1CCOCC1", "c1ccc(C)cc1", "C1CCCC1")
SERIES = [f"{n * 'C'}{end}{ring}" for ring in RINGS for n in (1, 2, 3) for end in ("O", "N", "C(=O)N", "S")]


@pytest.fixture(scope="module")
def start(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained model."""
    out = tmp_path_factory.mktemp("start") / "model"
    train("smiles", features, out, RunSettings(model=MODEL, training=FIRST), accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own molecules: 72 of one kind, and two with an element that the start model does not know."""
    folder = tmp_path_factory.mktemp("series")
    (folder / "series.smi").write_text("\n".join([*SERIES, "C[Si](C)(C)c1ccccc1", "C[Si](C)(C)C1CCOCC1"]) + "\n")
    settings = PrepareSettings(fractions={"train": 0.6, "valid": 0.4})
    prepare([folder / "series.smi"], folder / "molecules", settings)
    featurize(folder / "molecules", folder / "features")
    return folder / "features"


def further(series: Path, out: Path, start: Path, adapter: AdapterSettings | None = None, **changes: object) -> Path:
    settings = RunSettings(training=FURTHER.model_copy(update=changes), start=str(start), adapter=adapter)
    train("smiles", series, out, settings, accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def tuned(series: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fine-tuned in full."""
    return further(series, tmp_path_factory.mktemp("tuned") / "model", start)


@pytest.fixture(scope="module")
def adapted(series: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with adapters; beside its start, as a project folder has them."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copytree(start, folder / "start")
    return further(series, folder / "model", folder / "start", AdapterSettings(rank=4))


def valid_losses(folder: Path) -> list[float]:
    lines = [line.split(",") for line in (folder / "metrics.csv").read_text().split()[1:]]
    return [float(line[2]) for line in lines if line[1] == "valid"]
