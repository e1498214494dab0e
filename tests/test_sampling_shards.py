"""Draws made in shards and put together are those of one call, to the byte; more draws keep the shards there are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from molgen import sampling
from molgen.core import tables
from molgen.core.artifacts import read_provenance
from molgen.core.errors import InputError
from molgen.data.store import Store
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.sampling import sample

CHUNK = 16


@pytest.fixture(scope="module")
def model(features: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("model")
    SmilesModel.build(SmilesConfig(width=16, layers=1, heads=2, sampling_batch=8), Store.open(features)).save(out)
    return str(out)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "CHUNK", CHUNK)


def _shards(model: str, folder: Path, *bounds: int, seed: int = 0) -> None:
    for first, last in pairwise(bounds):
        sample(model, last - first, folder / f"{first}-{last}.parquet", first=first, seed=seed)


def test_shards_join_to_what_one_call_draws(model: str, tmp_path: Path) -> None:
    _shards(model, tmp_path / "shards", 0, 32, 64, 70)
    joined = sample(model, 70, tmp_path / "joined.parquet", join=tmp_path / "shards")
    whole = sample(model, 70, tmp_path / "whole.parquet")
    assert joined == whole
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    keys = {read_provenance(tmp_path / f"{name}.parquet")["key"] for name in ("joined", "whole")}
    assert len(keys) == 1
    third = tables.read(tmp_path / "shards" / "64-70.parquet", tables.SAMPLES)["index"].to_pylist()
    assert third == list(range(64, 70))


def test_more_draws_keep_whole_shards_and_pass_over_the_cut_one(model: str, tmp_path: Path) -> None:
    _shards(model, tmp_path / "shards", 0, 32, 40)
    before = (tmp_path / "shards" / "0-32.provenance.json").read_text()
    _shards(model, tmp_path / "shards", 0, 32, 64, 70)
    sample(model, 70, tmp_path / "joined.parquet", join=tmp_path / "shards")
    sample(model, 70, tmp_path / "whole.parquet")
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert (tmp_path / "shards" / "0-32.provenance.json").read_text() == before


def test_a_gap_is_named_and_nothing_is_written(model: str, tmp_path: Path) -> None:
    _shards(model, tmp_path / "shards", 0, 32)
    _shards(model, tmp_path / "shards", 32, 64, seed=1)  # of other settings: as if it were not there
    with pytest.raises(InputError, match=r"begins with draw 32 and ends by draw 63; make one with --first 32"):
        sample(model, 64, tmp_path / "joined.parquet", join=tmp_path / "shards")
    assert not (tmp_path / "joined.parquet").exists()


def test_a_beam_and_a_join_have_no_first_draw(model: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one search, which cannot be made in parts"):
        sample(model, 4, tmp_path / "s.parquet", first=4, wishes={"beam": True})
    with pytest.raises(InputError, match="--first 4: --join"):
        sample(model, 4, tmp_path / "s.parquet", first=4, join=tmp_path)
