"""What is kept of a reference: parts are the whole, a run that was stopped goes on, and nothing is left behind."""

from __future__ import annotations

import numpy as np
import pytest

from molgen.core.errors import InputError
from molgen.evaluate import deliver, statistics
from molgen.evaluate.frechet import gaussian, pooled
from molgen.evaluate.statistics import described

from .prepared import TEST, TRAIN

SMILES = [*TRAIN, *TEST, "CCO", "C1CC", "CCO", *TRAIN[:2]]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLGEN_CACHE", str(tmp_path / "cache"))


def test_parts_are_the_whole(monkeypatch, tmp_path):
    whole = described("x", SMILES, 1, filters=True)
    monkeypatch.setenv("MOLGEN_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(statistics, "PART", 4)
    parts = described("x", SMILES, 1, filters=True)
    assert parts.smiles == whole.smiles
    assert len(parts) == len(SMILES) - 1
    for name in ("counts", "fingerprints", "properties", "passes"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name), equal_nan=name == "properties"), name
    assert (parts.fragments, parts.scaffolds) == (whole.fragments, whole.scaffolds)
    assert [p.name for p in (tmp_path / "other/sets").iterdir()] == [
        p.name for p in (tmp_path / "cache/sets").iterdir()
    ]


def test_a_run_that_was_stopped_goes_on(monkeypatch):
    monkeypatch.setattr(statistics, "PART", 4)
    work, seen = statistics.describe, []

    def stopped(label, smiles, *args, **more):
        seen.append(list(smiles))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return work(label, smiles, *args, **more)

    monkeypatch.setattr(statistics, "describe", stopped)
    with pytest.raises(KeyboardInterrupt):
        described("x", SMILES, 1)
    described("x", SMILES, 1)
    assert seen[2] == seen[3]
    assert sum(map(len, seen)) == len(SMILES) + len(seen[2])  # what was done was not done again


def test_without_properties_all_else_is_there():
    bare = described("x", TEST, 1, properties=False)
    assert np.isnan(bare.properties).all()
    full = described("x", TEST, 1)
    assert not np.isnan(full.properties).any()
    assert np.array_equal(bare.fingerprints, full.fingerprints)
    assert bare.fragments == full.fragments


def test_means_and_covariances_of_parts_are_those_of_all():
    numbers = np.random.default_rng(0)
    values, counts = numbers.normal(size=(30, 5)), numbers.integers(1, 4, 30)
    whole = gaussian(values, counts)
    found = pooled([gaussian(values[i:j], counts[i:j]) for i, j in ((0, 1), (1, 12), (12, 30))])
    assert found.n == whole.n
    assert found.mean == pytest.approx(whole.mean)
    assert found.covariance == pytest.approx(whole.covariance)


def test_what_is_delivered_is_found_again_and_checked(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "test.smi").write_text("\n".join(TEST * 8) + "\n")
    deliver.deliver(folder, tmp_path / "made.safetensors", 1)
    monkeypatch.setattr(statistics, "KNOWN", tmp_path / "made.safetensors")
    (smiles,) = deliver.held_out(folder).values()
    found, expected = statistics.delivered(smiles), statistics.chemnet("x", smiles, 1)
    assert found is not None
    assert found.n == len(smiles)
    assert found.mean == pytest.approx(expected.mean)
    assert found.covariance == pytest.approx(expected.covariance, rel=1e-6, abs=1e-9)
    assert deliver.check(smiles, len(smiles), "test", 1).greatest == pytest.approx(0, abs=1e-6)
    assert deliver.check(smiles, 2, "test", 1).greatest > 0.1
    with pytest.raises(InputError, match="no statistics of these molecules"):
        deliver.check(TRAIN, 2, "train", 1)
