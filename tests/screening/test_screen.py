"""`screen` against brute force, and its sameness whatever the workers, chunks and shards."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.core.errors import ArtifactError, InputError
from molgen.core.tables import CANDIDATES, REJECTS, SCREENED, read
from molgen.data.library import Shard
from molgen.scoring.objective import Objective
from molgen.screening.merge import merge
from molgen.screening.screen import ScreenSettings, screen

from .conftest import MAX_MW, contents


def test_the_best_and_the_counts_are_those_of_brute_force(run, library):
    out = run("out", top=20)
    molecules, ranked = library.molecules(), library.ranked()
    found = read(out / "candidates.parquet", CANDIDATES).to_pylist()
    assert [row["smiles"] for row in found] == ranked[:20]
    for place, row in enumerate(found, 1):
        known = molecules[row["smiles"]]
        assert row["rank"] == place
        assert {key: row[key] for key in ("score", "count", "file", "line")} == {
            key: known[key] for key in ("score", "count", "file", "line")
        }
        assert row["MW"] == pytest.approx(known["MW"], rel=1e-12)
        assert row["scaffold"] == Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(known["mol"]), isomericSmiles=False)
        assert row["alerts"] is not None  # said of each candidate, though this objective does not ask
    summary = json.loads((out / "summary.json").read_text())
    valid = sum(m["count"] for m in molecules.values())
    assert (summary["read"], summary["valid"]) == (len(library.rows), valid)
    assert (summary["distinct"], summary["distinct_passed"]) == (len(molecules), len(ranked))
    bins = Counter(min(int(molecules[s]["score"] * 50), 49) for s in ranked)
    assert summary["histogram"]["distinct_passed"] == [bins[i] for i in range(50)]
    assert summary["failed"] == {"MW > 330": sum(m["count"] for m in molecules.values() if m["MW"] > MAX_MW)}


def test_rejects_are_the_rows_that_are_no_molecules(run, library):
    rejects = read(run("out") / "rejects.parquet", REJECTS).to_pylist()
    expected = [
        (file, line) for file, line, text in library.rows if len(text) > 2_000 or Chem.MolFromSmiles(text) is None
    ]
    assert [(row["file"], row["line"]) for row in rejects] == expected
    assert max(len(row["input"]) for row in rejects) == 200


def test_the_full_table_explains_every_row(run, library):
    out = run("out", full_table=True)
    rows = [row for file in sorted((out / "all").iterdir()) for row in read(file, SCREENED).to_pylist()]
    assert [(row["file"], row["line"]) for row in rows] == [
        (file, line) for file, line, text in library.rows if len(text) <= 2_000 and Chem.MolFromSmiles(text)
    ]
    for row in rows:
        heavy = row["MW"] > MAX_MW
        assert row["passed"] is not heavy
        assert row["failed"] == ("MW > 330" if heavy else None)
        assert (row["fsp3"] is None, row["score"] is None) == (heavy, heavy)  # went out before that was measured


def test_scaffold_diversity_is_the_greedy_choice(run, library):
    taken: Counter[str] = Counter()
    expected = []
    for smiles in library.ranked():
        scaffold = MurckoScaffold.MurckoScaffoldSmiles(smiles)
        if taken[scaffold] < 2:
            taken[scaffold] += 1
            expected.append(smiles)
    found = read(run("out", diversity="scaffold", per_scaffold=2) / "candidates.parquet")["smiles"].to_pylist()
    assert found == expected[:20]


def test_leaders_are_the_greedy_choice_in_the_pool(run, library):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    leaders: dict[str, object] = {}
    for smiles in library.ranked()[: 3 * 20]:
        print_ = generator.GetFingerprint(Chem.MolFromSmiles(smiles))
        if all(DataStructs.TanimotoSimilarity(print_, other) < 0.4 for other in leaders.values()):
            leaders[smiles] = print_
    out = run("out", diversity="leader", similarity=0.4, pool=3)
    assert read(out / "candidates.parquet")["smiles"].to_pylist() == list(leaders)[:20]


@pytest.mark.parametrize("diversity", ["none", "scaffold", "leader"])
def test_the_same_for_any_workers_and_chunks(run, monkeypatch, diversity):
    one = run("one", diversity=diversity, top=7)
    monkeypatch.setattr("molgen.screening.journal.BLOCK", 3)
    two = run("two", diversity=diversity, top=7, chunk=5, workers=2 if diversity == "none" else 1)
    assert contents(one) == contents(two)


@pytest.mark.parametrize("of", [1, 2, 5])
def test_merged_shards_are_what_one_run_gives(run, tmp_path, of):
    whole = run("whole", top=7, diversity="scaffold")
    made = []
    for number in range(1, of + 1):
        with suppress(InputError):  # nothing begins in it: the .csv.gz is not cut
            made.append(run(f"shard{number}", top=7, diversity="scaffold", shard=Shard(number, of), chunk=11))
    merge(made[::-1], tmp_path / "merged")
    assert contents(tmp_path / "merged") == contents(whole)
    if of > 1:
        assert sum(json.loads((s / "summary.json").read_text())["read"] > 0 for s in made) > 1


def test_what_is_no_set_of_shards_is_refused(run, tmp_path):
    first, second = run("s1", shard=Shard(1, 2)), run("s2", shard=Shard(2, 2))
    other = run("s3", shard=Shard(2, 2), top=3)
    for folders, message in (
        ([first], r"shard 2/2 is missing \(1 in all\)"),
        ([first, second, shutil.copytree(second, tmp_path / "copy")], "shard 2/2: named twice"),
        ([first, other], "s3: another top than in"),
        ([run("whole")], "whole: not a finished shard"),
        ([tmp_path], "not a finished shard"),
    ):
        with pytest.raises(InputError, match=message):
            merge(folders, tmp_path / "merged")
        assert not (tmp_path / "merged").exists()


def test_a_finished_folder_is_left_alone_and_another_is_refused(run):
    out = run("out")
    stamp = (out / "candidates.parquet").stat().st_mtime_ns
    assert (run("out", chunk=7) / "candidates.parquet").stat().st_mtime_ns == stamp
    with pytest.raises(ArtifactError, match="top: 20 there, 21 asked for"):
        run("out", top=21)


def test_standardised_molecules(tmp_path, objective):
    (tmp_path / "salts.smi").write_text("CCN\nCC[NH3+].[Cl-]\nCCN.Cl\n")
    summary = screen([tmp_path / "salts.smi"], objective, tmp_path / "a", top=3)
    assert summary["distinct"] == 3
    clean = ScreenSettings(standardise=True)
    assert screen([tmp_path / "salts.smi"], objective, tmp_path / "b", top=3, settings=clean)["distinct"] == 1
    assert read(tmp_path / "b" / "candidates.parquet")["count"].to_pylist() == [3]


def test_nothing_passes(library, tmp_path):
    none = Objective.parse({"components": [{"type": "fsp3"}], "filters": {"MW": {"max": 1}}})
    summary = screen(library.files, none, tmp_path / "out", top=3)
    assert (summary["candidates"], summary["distinct_passed"], summary["best"]) == (0, 0, None)
    assert np.sum(summary["histogram"]["distinct_passed"]) == 0
    assert read(tmp_path / "out" / "candidates.parquet", CANDIDATES).num_rows == 0
