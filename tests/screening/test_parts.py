"""The pieces that `screen` is made of, against brute force: the best, the digests, the shards, the funnel."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgen.chem.parse import parse
from molgen.core.errors import InputError, SettingsError
from molgen.data.library import Library, Shard, pieces, shards
from molgen.data.readers import Columns
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective
from molgen.screening import seen
from molgen.screening.best import Best, choose

ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=60)


def _table(rows: list[tuple[str, int]]) -> pa.Table:
    """A molecule's scaffold follows from it; its score may differ from row to row."""
    return pa.table(
        {
            "smiles": pa.array([name for name, _ in rows], pa.string()),
            "scaffold": pa.array(["xyz"[ord(name) % 3] for name, _ in rows], pa.string()),
            "score": pa.array([score / 3 for _, score in rows], pa.float64()),
            "place": pa.array(range(len(rows)), pa.int64()),
        }
    )


@given(ROWS, st.lists(st.integers(0, 5), min_size=60, max_size=60), st.integers(1, 5), st.sampled_from([None, 1, 2]))
@settings(max_examples=60)
def test_the_choice_from_the_whole_is_that_from_the_parts(rows, part_of, limit, per_scaffold):
    whole, kept = _table(rows), Best(limit, per_scaffold)
    for part in range(6):
        chosen = [i for i in range(len(rows)) if part_of[i] == part and whole["score"][i].as_py() >= kept.floor]
        kept.add(choose(whole.take(pa.array(chosen, pa.int64())), limit, per_scaffold))
        kept.table()
    expected, molecules, scaffolds = [], set(), Counter()
    for i in sorted(range(len(rows)), key=lambda i: (-rows[i][1], rows[i][0], i)):
        scaffold = "xyz"[ord(rows[i][0]) % 3]
        if rows[i][0] in molecules or scaffolds[scaffold] >= (per_scaffold or 99) or len(expected) == limit:
            continue
        molecules.add(rows[i][0])
        scaffolds[scaffold] += 1
        expected.append(i)
    found = kept.table()
    assert (found["place"].to_pylist() if found is not None else []) == expected


@given(st.lists(st.lists(st.tuples(st.integers(0, 2**64 - 1) | st.integers(0, 9), st.integers(0, 50)))), st.data())
@settings(max_examples=60)
def test_distinct_molecules_of_sorted_runs(tmp_path_factory, runs, data):
    made = [tmp_path_factory.mktemp("run") for _ in runs]
    for folder, rows in zip(made, runs, strict=True):
        seen.write(folder, np.array([d for d, _ in rows], np.uint64), np.array([c for _, c in rows], np.uint8))
    best: dict[int, int] = {}
    for digest, kind in (row for rows in runs for row in rows):
        best[digest] = max(best.get(digest, 0), kind)
    wanted = data.draw(st.lists(st.sampled_from(sorted(best)))) if best else []
    times = Counter(digest for rows in runs for digest, _ in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "AT_ONCE", data.draw(st.integers(1, 7)))
        folder = tmp_path_factory.mktemp("run")
        seen.save(folder, [seen.Run(other) for other in made])
        for folders in (made, [folder]):
            found = seen.count([seen.Run(other) for other in folders], np.array(wanted, np.uint64))
            assert found.molecules == len(best)
            assert found.passed == sum(kind > 0 for kind in best.values())
            assert found.histogram.tolist() == [Counter(best.values())[kind] for kind in range(1, 51)]
            assert found.rows.tolist() == [times[digest] for digest in wanted]


TEXT = st.lists(st.sampled_from([b"CCO", b"", b"c1ccccc1 name", b"C" * 40]), min_size=1, max_size=25)


@given(st.lists(TEXT, min_size=1, max_size=3), st.integers(1, 9), st.sampled_from([b"\n", b"\r\n"]))
@settings(max_examples=60)
def test_shards_have_each_line_once_and_in_order(tmp_path_factory, texts, count, ending):
    folder = tmp_path_factory.mktemp("files")
    files = [folder / f"{i}.smi" for i in range(len(texts))]
    for file, lines in zip(files, texts, strict=True):
        file.write_bytes(ending.join([b"CC", *lines]))
    whole = pieces(files, "screen")
    expected = [row.text for batch in Library(whole, Columns(), 4) for row in batch.rows]
    cut = shards(whole, count)
    assert len(cut) == count
    libraries = [Library(shard, Columns(), 3) for shard in cut]
    assert [row.text for library in libraries for batch in library for row in batch.rows] == expected
    lines: Counter[str] = Counter()
    for library in libraries:
        lines.update(library.lines)
    sizes = {p.label: len(p.path.read_bytes().splitlines()) for p in whole}
    assert lines == Counter(sizes)


def test_row_groups_of_parquet_are_cut(tmp_path):
    pq.write_table(pa.table({"smiles": [f"C{'C' * i}" for i in range(50)]}), tmp_path / "a.parquet", row_group_size=7)
    cut = shards(pieces([tmp_path / "a.parquet"], "screen"), 3)
    found = [[row.text for batch in Library(shard, Columns(), 9) for row in batch.rows] for shard in cut]
    assert [text for texts in found for text in texts] == [f"C{'C' * i}" for i in range(50)]
    assert sum(bool(texts) for texts in found) > 1


def test_the_content_of_a_piece(tmp_path):
    file = tmp_path / "a.smi"
    file.write_bytes(b"CCO\nCCN\nCCC\n")
    first, second = (shard[0] for shard in shards(pieces([file], "screen"), 2))
    before = (first.content(), second.content())
    file.write_bytes(b"CCO\nCCN\nCCF\n")
    assert (first.content() == before[0], second.content() == before[1]) == (True, False)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/2", "1/0"])
def test_shards_that_do_not_exist(text):
    with pytest.raises(SettingsError, match="expected I/N with I from 1 to N"):
        Shard.parse(text)


def test_an_empty_file_is_refused_in_every_shard(tmp_path):
    (tmp_path / "a.smi").write_text("CC\n")
    (tmp_path / "b.smi").write_text("")
    with pytest.raises(InputError, match=r"b\.smi: the file is empty"):
        shards(pieces([tmp_path / "a.smi", tmp_path / "b.smi"], "screen"), 2)


def test_the_funnel_changes_no_value_and_explains_each_gap(zinc_smiles: list[str]):
    objective = Objective.read(Path("workflows/config/objectives/druglike.yaml"))
    mols = [*(parse(smiles) for smiles in zinc_smiles[:150]), None]
    with Evaluator(objective) as evaluator:
        plain, funnel = evaluator.evaluate(mols), evaluator.evaluate(mols, funnel=True)
    for row, why in enumerate(funnel.failed):
        if why is None:
            assert plain.failed[row] is None
            assert plain.alerts[row] == funnel.alerts[row]
            assert plain.score[row] == funnel.score[row]
        else:
            assert np.isnan(funnel.score[row])
            assert set(why.split("; ")) <= set(plain.failed[row].split("; "))
        for name, values in funnel.raw.items():
            assert values[row] == plain.raw[name][row] or (why is not None and np.isnan(values[row]))
    assert 20 < sum(why is None for why in funnel.failed) < 150
    heavy = [i for i, why in enumerate(funnel.failed) if why and "rings" in why]
    assert all(np.isnan(funnel.raw["alert_count"][heavy]))  # went out before the alerts
