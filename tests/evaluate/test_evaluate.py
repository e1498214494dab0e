"""The stage: what a metrics file holds, what is refused, and that workers do not matter."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from molgen.chem.parse import canonical
from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError
from molgen.evaluate.draws import copied_after
from molgen.evaluate.evaluate import EvaluateSettings, evaluate
from molgen.evaluate.record import read_metrics

from .prepared import TEST, TEST_SCAFFOLDS, TRAIN, write_molecules


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
    record = evaluate(drawn, reference, tmp_path / "m.json", EvaluateSettings(limit=3, reference_limit=3), seed=1)
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
    tables.write(tmp_path / "r.parquet", pa.table({"smiles": ["C"], "repaired": ["no"]}))
    for name, message in {
        "empty.smi": "holds no rows",
        "binary.smi": "not a text file",
        "x.csv": "a .smi or .parquet file is expected",
        "x.parquet": "no column 'smiles'; it has SMILES",
        "r.parquet": "its column 'repaired' is string; true or false is expected",
        "none.smi": "no such file",
    }.items():
        with pytest.raises(InputError, match=message):
            evaluate(tmp_path / name, reference, tmp_path / "m.json")
    with pytest.raises(InputError, match="no such folder or data set"):
        evaluate(drawn, "mosses", tmp_path / "m.json")
    with pytest.raises(InputError, match="holds no molecules"):
        evaluate(drawn, tmp_path, tmp_path / "m.json")
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not text"),
        (b"[]", "should be an object"),
        (b'{"n": 1}', "no 'metrics'"),
        (b'{"metrics": {}}', "no 'n'"),
        (b'{"n": "many", "metrics": {}}', "'n' should be a valid integer"),
        (b'{"n": 1, "metrics": {"valid": "all"}}', "'metrics.valid' should be a valid number"),
        (
            b'{"n": 1, "metrics": {"valid": {"value": 1}}}',
            "'metrics.valid' should be a number, or 'value', 'low' and 'high'",
        ),
        (b'{"n": 1, "metrics": {"valid": 1}, "intervals": {"valid": [1]}}', "no 'intervals.valid.1'"),
        (b'{"n": 1, "metrics": {}, "floor": {"n": 1}}', "no 'floor.metrics'"),
        (b'{"n": 1, "metrics": {}, "distributions": {"MW": {"edges": [0]}}}', "no 'distributions.MW.generated'"),
        (
            b'{"n": 1, "metrics": {}, "distributions": {"MW": {"edges": [0, 1, 2], "generated": '
            b'{"n": 0, "mean": null, "std": null, "counts": [1]}}}}',
            "'distributions.MW' its counts and edges do not go together",
        ),
    ],
)
def test_a_metrics_file_that_is_none_is_refused(content: bytes, said: str, tmp_path: Path):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(f"m.json: not a metrics file ({said})")):
        read_metrics(tmp_path / "m.json")


def test_fetched_files_serve_as_they_are(drawn, reference, tmp_path):
    folder = tmp_path / "fetched"
    folder.mkdir()
    for split, smiles in {"train": TRAIN, "test": [*TEST, "C1CC"], "test_scaffolds": TEST_SCAFFOLDS}.items():
        (folder / f"{split}.smi").write_text("\n".join(f"{canonical_or(s)} name" for s in smiles) + "\n")
    prepared, fetched = evaluate(drawn, reference, tmp_path / "a.json"), evaluate(drawn, folder, tmp_path / "b.json")
    assert fetched["metrics"] == pytest.approx(prepared["metrics"], abs=1e-6)
    assert fetched["floor"]["metrics"] == pytest.approx(prepared["floor"]["metrics"], abs=1e-6)
    bare = evaluate(drawn, folder, tmp_path / "c.json", EvaluateSettings(floor=False))
    assert bare["metrics"] == fetched["metrics"]
    assert (bare["floor"], bare["distributions"]["MW"]["train"]["n"]) == (None, 0)  # not worked out for a histogram
    assert fetched["reference"]["rows"]["test"] == len(TEST) + 1
    assert fetched["reference"]["compared"]["test"] == len(TEST)  # what is no molecule is left out


def canonical_or(smiles: str) -> str:
    return smiles if smiles == "C1CC" else canonical(smiles)


def test_the_floor_is_what_training_molecules_reach(reference, drawn, tmp_path):
    (tmp_path / "train.smi").write_text("\n".join(TRAIN) + "\n")
    record = evaluate(tmp_path / "train.smi", reference, tmp_path / "m.json")
    assert record["floor"]["n"] == len(TRAIN)
    for name, value in record["floor"]["metrics"].items():
        assert record["metrics"][name] == pytest.approx(value, abs=1e-6), name
    assert record["metrics"]["FCD/Test"] > 0


def test_what_is_kept_is_used_and_damage_is_mended(drawn, reference, tmp_path, monkeypatch):
    monkeypatch.setenv("MOLGEN_CACHE", str(tmp_path / "cache"))
    first = evaluate(drawn, reference, tmp_path / "a.json")
    assert evaluate(drawn, reference, tmp_path / "b.json") == first
    kept = sorted((tmp_path / "cache").rglob("*.*"))
    assert kept
    for file in kept:
        if file.is_file():
            file.write_bytes(b"x")
    assert evaluate(drawn, reference, tmp_path / "c.json") == first


def test_without_chemnet_all_else_is_measured(drawn, reference, tmp_path, monkeypatch):
    from molgen.evaluate import chemnet

    monkeypatch.setattr(chemnet, "PACKAGE", "no-such-package")
    record = evaluate(drawn, reference, tmp_path / "m.json")
    assert record["metrics"]["FCD/Test"] is None
    assert "pip install no-such-package" in record["notes"]["FCD/Test"]
    assert record["metrics"]["SNN/Test"] is not None


def test_fragments_count_in_the_literature_and_repeats_are_said(drawn, reference, tmp_path):
    strict = evaluate(drawn, reference, tmp_path / "a.json")
    loose = evaluate(drawn, reference, tmp_path / "b.json", EvaluateSettings(validity="literature"))
    assert (strict["metrics"]["valid"], strict["metrics"]["valid_literature"]) == (5 / 8, 6 / 8)
    assert (loose["metrics"]["valid"], loose["metrics"]["valid_literature"]) == (6 / 8, 6 / 8)
    assert strict["counts"]["several_fragments"] == loose["counts"]["several_fragments"] == 1
    for record in (strict, loose):
        assert (record["counts"]["valid_strict"], record["counts"]["valid_literature"]) == (5, 6)
    assert strict["counts"]["repeats"] == 1
    assert strict["counts"]["most_repeated"] == {"CCO": 2}


def test_repaired_draws_count_apart(reference, tmp_path):
    rows = {
        "index": [0, 1, 2, 2],
        "smiles": ["CCO", "CCN", "C.C", None],
        "reason": [None, None, None, "valence"],
        "repaired": [False, True, True, None],
    }
    tables.write(tmp_path / "drawn.parquet", pa.table(rows))
    for validity, valid in (("strict", 1), ("literature", 3)):
        settings = EvaluateSettings(validity=validity, floor=False)
        record = evaluate(tmp_path / "drawn.parquet", reference, tmp_path / f"{validity}.json", settings)
        counts = record["counts"]
        assert counts["valid"] == valid
        assert (counts["valid_strict"], counts["valid_literature"]) == (1, 3)
        assert (counts["several_fragments"], counts["repaired"]) == (1, 1)
        assert record["metrics"]["valid_literature"] == 3 / 4
        assert "1 rows have the index of an earlier row" in record["notes"]["unique"]


def test_a_file_that_holds_its_draws_twice_is_told_from_a_model_that_repeats_itself():
    numbers = np.random.default_rng(0)
    once = [f"molecule {i}" for i in range(200)]
    assert copied_after([*once, None, *once]) == (201, 200)
    assert copied_after(once) is None
    assert copied_after([once[i] for i in numbers.integers(0, 200, 1_000)]) is None
    assert copied_after(["C"] * 1_000) is None
    assert copied_after([]) is None
