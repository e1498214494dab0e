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
    """A metrics file in a run, as `evaluate` and the workflow leave it; the draws were made in two jobs."""
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
        for shard, seconds, memory in (("0-4", 60, 1024), ("4-6", 30, 3072)):
            text = f"s\th:m:s\tmax_rss\n{seconds}\t-\t{memory}\n"
            (folder / "benchmarks" / f"sample.{family}.{shard}.tsv").write_text(text)
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
    assert "1.5 min in 2 jobs, 3.0 GB" in text
    assert "n is small" in text
    assert text.count('class="mol"') == 4  # the distinct valid draws of the one model that has some
    rows = {row[0]: row[1:] for row in csv.reader((tmp_path / "c.csv").open())}
    assert rows["metric"][:4] == ["training set", "graph<b>", "graph<b> low", "graph<b> high"]
    assert rows["FCD/Test"] == ["0.05", "", "", "", "0.1", "", ""]
    assert rows["n"] == ["6", "6", "", "", "6", "", ""]


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


def test_places_of_one_name_are_seeds_of_one_model(tmp_path):
    figures = {"s0": (0.90, 0.1), "s1": (0.94, 0.3), "s2": (0.98, None)}
    for seed, (valid, fcd) in figures.items():
        made(tmp_path / seed, "smiles", valid, fcd)
        made(tmp_path / seed, "ngram", valid / 2, 5 * valid)
    models = compare([f"moses={tmp_path / seed}" for seed in figures], tmp_path / "c.html")
    assert [m.title for m in models] == ["ngram (3 runs)", "smiles (3 runs)"]
    found = models[1].cell("valid")
    assert (found.value, found.deviation, found.runs) == (pytest.approx(0.94), pytest.approx(0.04), 3)
    assert models[1].cell("FCD/Test")[2:] == (pytest.approx(0.02**0.5), 2)
    text = (tmp_path / "c.html").read_text()
    assert 'best">0.940 <span class="quiet">± 0.040</span>' in text
    assert "± 0.141 of 2 runs" in text
    assert "standard deviation of a model's runs" in text
    assert text.count('class="line s1"') == 3 + 1  # a line a seed, all alike, and the key
    rows = list(csv.reader((tmp_path / "c.csv").open()))
    assert rows[0][-5:] == ["smiles", "smiles sd", "smiles 1", "smiles 2", "smiles 3"]
    assert next(row for row in rows if row[0] == "FCD/Test")[-3:] == ["0.1", "0.3", ""]


def test_named_files_are_seeds_beside_others(tmp_path):
    run = made(tmp_path / "run", "a", 0.9, 0.3)
    made(run, "b", 0.8, 0.1)
    made(run, "c=d", 0.7, 0.1)
    files = run / "metrics"
    models = compare([f"x={files}/a.json", f"x={files}/b.json", str(files / "c=d.json")], tmp_path / "c.html")
    assert [(m.name, len(m.records)) for m in models] == [("x", 2), ("c=d", 1)]
    with pytest.raises(SettingsError, match=r"the same figures as .*a\.json; runs of one name are to differ"):
        compare([f"x={files}/a.json", f"x={files}/a.json"], tmp_path / "d.html")
    with pytest.raises(SettingsError, match="NAME=PLACE is expected"):
        compare([f"={files}/a.json"], tmp_path / "d.html")


def test_a_model_without_valid_draws_has_no_line_and_the_others_keep_their_colours(tmp_path):
    run = made(tmp_path / "run", "a", 0.0, None, draws=False)
    file = made(run, "b", 0.9, 0.1, draws=False) / "metrics" / "a.json"
    record = json.loads(file.read_text())
    record["distributions"]["MW"]["generated"] = {"n": 0, "mean": None, "std": None, "counts": [0, 0]}
    file.write_text(json.dumps(record))
    compare([run], tmp_path / "c.html")
    figure = (tmp_path / "c.html").read_text().partition('<div class="figures">')[2]
    assert 'class="line s1"' in figure
    assert 'class="line s0"' not in figure


def test_without_a_training_set_nothing_is_said_of_it(tmp_path):
    file = made(tmp_path / "run", "a", 0.5, 0.1, draws=False) / "metrics" / "a.json"
    compare([tmp_path / "run"], tmp_path / "with.html")
    record = json.loads(file.read_text()) | {"floor": None}
    record["distributions"]["MW"]["train"] = {"n": 0, "mean": None, "std": None, "counts": [0, 0]}
    file.write_text(json.dumps(record))
    compare([tmp_path / "run"], tmp_path / "without.html")
    for name, there in (("with", True), ("without", False)):
        text = (tmp_path / f"{name}.html").read_text()
        assert ("</svg>training</span>" in text) == ("Training set: " in text) == there


def test_a_cut_of_the_draws_or_of_a_split_is_said(tmp_path):
    run = made(tmp_path / "run", "a", 0.9, 0.3, n=40_000)
    file = run / "metrics/a.json"
    record = json.loads(file.read_text())
    record["reference"] = {
        "rows": {"test": 5_000, "train": 9},
        "compared": {"generated": 1_000, "test": 1_000},
    }
    file.write_text(json.dumps(record))
    compare([run], tmp_path / "c.html")
    text = (tmp_path / "c.html").read_text()
    assert "n is small (of some only 1,000 were measured)" in text
    assert "1,000 of 5,000 molecules of 'test'" in text


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
