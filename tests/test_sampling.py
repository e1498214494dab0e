"""The samples table: exactly n rows, the same whatever the number of workers and the size of the pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from molgen import sampling
from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError
from molgen.data.store import Store
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig


@pytest.fixture(scope="module")
def model(features: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with random weights: most draws are no molecules."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    SmilesModel.build(SmilesConfig(width=16, layers=1, heads=2), Store.open(features)).save(folder)
    return str(folder)


def test_exactly_n_rows_and_a_summary_that_counts_them(model: str, tmp_path: Path) -> None:
    result = sampling.sample(model, 70, tmp_path / "s.parquet")
    rows = tables.read(tmp_path / "s.parquet", tables.SAMPLES).to_pylist()
    assert [row["index"] for row in rows] == list(range(70))
    assert all((row["smiles"] is None) != (row["reason"] is None) for row in rows)
    assert result["n"] == 70
    assert result["valid"] == sum(row["smiles"] is not None for row in rows)
    assert sum(result["reasons"].values()) == 70 - result["valid"]


def test_the_same_file_with_one_and_with_two_workers(model: str, tmp_path: Path) -> None:
    n = sampling.CHUNK + 100
    for workers in (1, 2):
        sampling.sample(model, n, tmp_path / f"{workers}.parquet", seed=3, workers=workers)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_threads_are_as_before_afterwards(model: str, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    sampling.sample(model, 5, tmp_path / "s.parquet", device="cpu")
    assert torch.get_num_threads() == before


def test_done_is_done_and_another_seed_is_refused(model: str, tmp_path: Path) -> None:
    first = sampling.sample(model, 5, tmp_path / "s.parquet")
    assert sampling.sample(model, 5, tmp_path / "s.parquet") == first
    with pytest.raises(ArtifactError, match="seed: 0 there, 1 asked for"):
        sampling.sample(model, 5, tmp_path / "s.parquet", seed=1)


def test_other_names_than_parquet_are_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.parquet"):
        sampling.sample(model, 5, tmp_path / "samples.csv")
