"""The stage: what a metrics file holds, what is refused, and that workers do not matter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError
from molgen.evaluate.evaluate import EvaluateSettings, evaluate, read_metrics

from .prepared import TEST, TRAIN, write_molecules


def test_a_metrics_file_holds_what_the_interface_says(drawn, reference, tmp_path):
    out = tmp_path / "m.json"
    record = evaluate(drawn, reference, out)
    assert record == json.loads(out.read_text())
    assert record["n"] == 8
    assert record["counts"]["drawn"] == 8
    assert record["counts"]["valid"] == 5
    assert record["counts"]["unique"] == 4
    assert record["counts"]["novel"] == 3  # ethanol stands in the train split
    assert record["counts"]["invalid"] == {"SMILES syntax": 1, "several fragments": 1, "valence": 1}
    metrics = record["metrics"]
    assert metrics["valid"] == 5 / 8
    assert metrics["unique"] == 4 / 5
    assert metrics["Novelty"] == 3 / 4
    assert "unique@1000" not in metrics
    assert "needs 1,000 draws" in record["notes"]["unique@1000"]
    for name in (
        "SNN/Test",
        "SNN/TestSF",
        "Frag/Test",
        "Scaf/Test",
        "IntDiv",
        "IntDiv2",
        "logP",
        "SA",
        "QED",
        "weight",
    ):
        assert np.isfinite(metrics[name]), name


def test_distributions_share_their_bins_and_count_every_molecule(drawn, reference, tmp_path):
    for name, found in evaluate(drawn, reference, tmp_path / "m.json")["distributions"].items():
        assert name in tables.PROPERTIES
        for which, n in (("generated", 5), ("train", len(TRAIN)), ("test", len(TEST))):
            assert found[which]["n"] == n
            assert sum(found[which]["counts"]) == n
            assert len(found[which]["counts"]) == len(found["edges"]) - 1


def test_a_table_gives_the_same_as_lines_and_workers_do_not_matter(drawn, reference, tmp_path):
    lines = drawn.read_text().split()
    table = pa.table({"index": list(range(8)), "smiles": lines, "reason": pa.nulls(8, pa.string())})
    tables.write(tmp_path / "drawn.parquet", table, tables.SAMPLES)
    first = evaluate(drawn, reference, tmp_path / "a.json")
    assert evaluate(tmp_path / "drawn.parquet", reference, tmp_path / "b.json", workers=2) == first


def test_a_null_row_keeps_the_reason_of_its_sampler(reference, tmp_path):
    table = pa.table({"index": [0, 1], "smiles": ["CCO", None], "reason": [None, "too long"]})
    tables.write(tmp_path / "drawn.parquet", table, tables.SAMPLES)
    record = evaluate(tmp_path / "drawn.parquet", reference, tmp_path / "m.json")
    assert record["counts"]["invalid"] == {"too long": 1}
    assert record["metrics"]["valid"] == 0.5


def test_properties_are_computed_where_the_reference_has_none(drawn, tmp_path):
    with_, without = (
        write_molecules(tmp_path / str(p), {"train": TRAIN, "test": TEST}, with_properties=p) for p in (True, False)
    )
    first, second = evaluate(drawn, with_, tmp_path / "a.json"), evaluate(drawn, without, tmp_path / "b.json")
    assert second["metrics"] == pytest.approx(first["metrics"])
    assert second["distributions"]["QED"]["train"] == first["distributions"]["QED"]["train"]


def test_without_a_scaffold_split_nothing_is_said_against_it(drawn, tmp_path):
    folder = write_molecules(tmp_path / "two", {"train": TRAIN, "test": TEST})
    record = evaluate(drawn, folder, tmp_path / "m.json")
    assert "SNN/TestSF" not in record["metrics"]
    assert "test_scaffolds" in record["notes"]["SNN/TestSF"]
    assert record["metrics"]["SNN/Test"] is not None


@pytest.mark.parametrize("text", ["C1CC\nC.C\n", "\n"])
def test_all_invalid_gives_nulls_with_a_note(text, reference, tmp_path):
    (tmp_path / "bad.smi").write_text(text)
    record = evaluate(tmp_path / "bad.smi", reference, tmp_path / "m.json")
    assert record["metrics"]["valid"] == 0
    assert record["metrics"]["IntDiv"] is None
    assert record["notes"]["IntDiv"] == "no valid molecule was drawn"
    assert record["notes"].keys() >= {n for n, v in record["metrics"].items() if v is None}


def test_one_molecule_is_enough_for_most(reference, tmp_path):
    (tmp_path / "one.smi").write_text("c1ccc(-c2ccccc2)cc1 biphenyl\r\n")
    metrics = evaluate(tmp_path / "one.smi", reference, tmp_path / "m.json")["metrics"]
    assert metrics["valid"] == metrics["unique"] == metrics["Novelty"] == metrics["SNN/Test"] == 1
    assert metrics["IntDiv"] == 0


def test_large_sets_are_cut_to_the_limit(drawn, reference, tmp_path):
    record = evaluate(drawn, reference, tmp_path / "m.json", EvaluateSettings(limit=3), seed=1)
    assert record["reference"]["compared"] == {"generated": 3, "test": 3, "test_scaffolds": 2}
    assert record["metrics"]["valid"] == 5 / 8  # over every draw all the same
    assert record["distributions"]["QED"]["train"]["n"] == 3


def test_a_finished_file_is_kept_and_another_is_refused(drawn, reference, tmp_path):
    out = tmp_path / "m.json"
    evaluate(drawn, reference, out)
    written = out.stat().st_mtime_ns
    evaluate(drawn, reference, out, workers=2)
    assert out.stat().st_mtime_ns == written
    with pytest.raises(ArtifactError, match="seed: 0 there, 1 asked for"):
        evaluate(drawn, reference, out, seed=1)


def test_bad_inputs_are_refused_in_one_line(drawn, reference, tmp_path):
    (tmp_path / "empty.smi").write_text("")
    (tmp_path / "binary.smi").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "x.csv").write_text("smiles\nC\n")
    tables.write(tmp_path / "x.parquet", pa.table({"SMILES": ["C"]}))
    for name, message in {
        "empty.smi": "holds no rows",
        "binary.smi": "not a text file",
        "x.csv": "a .smi or .parquet file is expected",
        "x.parquet": "no column 'smiles'; it has SMILES",
        "none.smi": "no such file",
    }.items():
        with pytest.raises(InputError, match=message):
            evaluate(tmp_path / name, reference, tmp_path / "m.json")
    with pytest.raises(InputError, match="molgen data fetch moses"):
        evaluate(drawn, "moses", tmp_path / "m.json")
    with pytest.raises(InputError, match="holds no molecules"):
        evaluate(drawn, tmp_path, tmp_path / "m.json")
    assert not (tmp_path / "m.json").exists()


def test_a_metrics_file_that_is_none_is_refused(tmp_path: Path):
    for text in ("{", "[]", '{"n": 1}'):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(ArtifactError, match="not a metrics file"):
            read_metrics(tmp_path / "m.json")
