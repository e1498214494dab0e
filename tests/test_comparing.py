"""`compare`: which models, which is the best of a row, what the page and the table hold, what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest

from molgen.comparing import CompareSettings, best, compare
from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError, SettingsError

SMILES = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "CCN", "CCO", None]


def made(folder: Path, family: str, valid: float, fcd: float | None, *, draws: bool = True, n: int = 6) -> Path:
    """A metrics file in a run, as `evaluate` and the workflow leave it."""
    for name in ("metrics", "samples", "benchmarks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    counted = {"n": 3, "mean": 1.0, "std": 0.1, "counts": [1, 2]}
    record = {
        "n": n,
        "metrics": {"valid": valid, "FCD/Test": fcd, "odd": 1.0},
        "intervals": {"valid": [valid - 0.1, valid + 0.1]},
        "notes": {} if fcd is not None else {"FCD/Test": "ChemNet's weights are <missing>"},
        "floor": {"n": 6, "metrics": {"FCD/Test": 0.05}},
        "distributions": {"MW": {"unit": "g/mol", "edges": [0, 1, 2], "generated": counted, "train": counted}},
    }
    (folder / "metrics" / f"{family}.json").write_text(json.dumps(record))
    if draws:
        rows = {"index": range(6), "smiles": SMILES, "reason": [None] * 5 + ["syntax"]}
        tables.write(folder / "samples" / f"{family}.parquet", pa.table(rows, tables.SAMPLES.schema()), tables.SAMPLES)
        (folder / "benchmarks" / f"train.{family}.tsv").write_text("s\th:m:s\tmax_rss\n90\t0:01:30\t2048\n")
    return folder


def test_the_page_and_the_table_hold_every_model(tmp_path):
    run = made(tmp_path / "run", "smiles", 0.9, 0.1)
    made(run, "graph<b>", 0.8, None, draws=False)
    models = compare([run], tmp_path / "c.html")
    assert [m.name for m in models] == ["graph<b>", "smiles"]
    text = (tmp_path / "c.html").read_text()
    assert "<b>" not in text
    assert "graph&lt;b&gt;" in text
    assert "&lt;missing&gt;" in text
    assert 'best">0.900' in text
    assert "(0.800 to 1.000)" in text
    assert "1.5 min, 2.0 GB" in text
    assert "n is small" in text
    assert text.count('class="mol"') == 4  # the distinct valid draws of the one model that has some
    rows = {row[0]: row[1:] for row in csv.reader((tmp_path / "c.csv").open())}
    assert rows["metric"][:4] == ["training set", "graph<b>", "graph<b> low", "graph<b> high"]
    assert rows["FCD/Test"] == ["0.05", "", "", "", "0.1", "", ""]


def test_the_best_goes_by_the_way_that_is_better(tmp_path):
    run = made(tmp_path / "run", "a", 0.9, 0.3)
    made(run, "b", 0.8, 0.1)
    models = compare([run], tmp_path / "c.html")
    assert best(models, "valid") == ["a"]
    assert best(models, "FCD/Test") == ["b"]
    assert best(models, "odd") == []


def test_several_runs_and_files_have_names_of_their_own(tmp_path):
    one, two = made(tmp_path / "one", "smiles", 0.9, 0.1), made(tmp_path / "two", "smiles", 0.8, 0.2)
    assert [m.name for m in compare([one, two], tmp_path / "c.html")] == ["one/smiles", "two/smiles"]
    with pytest.raises(SettingsError, match="a second model called 'smiles'"):
        compare([one / "metrics/smiles.json", two / "metrics/smiles.json"], tmp_path / "d.html")


def test_a_finished_page_is_kept_and_another_is_refused(tmp_path):
    run = made(tmp_path / "run", "smiles", 0.9, 0.1)
    compare([run], tmp_path / "c.html")
    written = (tmp_path / "c.html").stat().st_mtime_ns
    compare([run], tmp_path / "c.html")
    assert (tmp_path / "c.html").stat().st_mtime_ns == written
    with pytest.raises(ArtifactError, match="other settings"):
        compare([run], tmp_path / "c.html", CompareSettings(examples=2))


def test_what_cannot_be_compared_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for place, out, message in (
        (tmp_path / "empty", "c.html", "holds no metrics/NAME.json"),
        (tmp_path / "none", "c.html", "holds no metrics/NAME.json"),
        (tmp_path / "empty", "c.txt", "must end in .html"),
    ):
        with pytest.raises(InputError, match=message):
            compare([place], tmp_path / out)
    assert not (tmp_path / "c.html").exists()
