"""`molgen sample --scaffold` and `--link`: exactly n rows, or one clear line and nothing written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from molgen.cli.main import main
from molgen.core import tables
from molgen.data.store import Store
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig


@pytest.fixture(scope="module", params=[0.5, 0.0], ids=["random spelling", "canonical"])
def folder(request: pytest.FixtureRequest, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, with and without a mark for random spellings."""
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("model")
    config = SmilesConfig(width=16, layers=1, heads=2, random_spelling=request.param)
    SmilesModel.build(config, Store.open(features)).save(out)
    return out


def _sample(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["molgen", "sample", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


@pytest.mark.parametrize("folder", [0.5], indirect=True)
@pytest.mark.parametrize(
    "part", [("--scaffold", "*c1ccc(*)cc1"), ("--scaffold", "c1ccccc1"), ("--link", "*CCC.*c1ccccc1")]
)
def test_exactly_n_rows(folder: Path, part: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "s.parquet"
    assert _sample(monkeypatch, str(folder), "--n", "20", "--out", str(out), "--workers", "1", *part) in (0, None)
    rows = tables.read(out, tables.SAMPLES).to_pylist()
    assert [row["index"] for row in rows] == list(range(20))
    assert all((row["smiles"] is None) != (row["reason"] is None) for row in rows)


@pytest.mark.parametrize("folder", [0.5], indirect=True)
@pytest.mark.parametrize(
    ("part", "message"),
    [
        (("--scaffold", "c1ccc("), "sample: scaffold 'c1ccc(': SMILES syntax"),
        (("--scaffold", "FC(F)(F)F"), "no atom has a hydrogen to give"),
        (("--scaffold", "[Xe]C*"), "the token [Xe] is not in this model's vocabulary; give another part"),
        (("--link", "*C"), "two parts with one [*] each are expected"),
        (("--link", "*C.*[Xe]C"), "the token [Xe] is not in this model's vocabulary; give another part"),
    ],
)
def test_bad_parts_are_one_line_and_leave_nothing(
    folder: Path,
    part: tuple[str, str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = _sample(monkeypatch, str(folder), "--n", "5", "--out", str(tmp_path / "s.parquet"), "--workers", "1", *part)
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", [0.0], indirect=True)
def test_a_model_of_canonical_smiles_says_what_to_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder), "--n", "5", "--out", str(tmp_path / "s.parquet"), "--scaffold", "CC*"]
    assert _sample(monkeypatch, *words) == 2
    assert "train one with random_spelling" in capsys.readouterr().err
