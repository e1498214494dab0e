"""Tables: schemas that are checked, row groups that do not depend on how rows came, files that are whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError
from molgen.core.tables import MOLECULES, SAMPLES, TABLES, Writer, describe, read, write


def _samples(count: int, start: int = 0) -> pa.Table:
    smiles = ["C" * (1 + i % 7) for i in range(start, start + count)]
    return pa.table(
        {"index": range(start, start + count), "smiles": smiles, "reason": [None] * count}, SAMPLES.schema()
    )


def _groups(path: Path) -> list[int]:
    data = pq.ParquetFile(path).metadata
    return [data.row_group(i).num_rows for i in range(data.num_row_groups)]


def test_the_page_of_tables_is_printed_from_here():
    page = Path(__file__).parents[2] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8").rstrip("\n") == describe().rstrip("\n")


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_an_empty_table_is_read_as_it_was_written(table, tmp_path):
    write(tmp_path / "t.parquet", table.schema({"more": pa.float32()}).empty_table(), table)
    found = read(tmp_path / "t.parquet", table)
    assert found.schema.names == [*table.names, "more"]
    assert found.num_rows == 0


def test_a_table_lacking_a_column_names_those_there_are(tmp_path):
    path = tmp_path / "t.parquet"
    write(path, pa.table({"SMILES": ["C"], "x": [1]}))
    with pytest.raises(InputError) as error:
        read(path, SAMPLES)
    assert str(error.value) == f"{path}: not a samples table: no column 'index'; it has SMILES, x"
    with pytest.raises(InputError) as error:
        read(path, columns=["x", "smiles"])
    assert str(error.value) == f"{path}: no column 'smiles'; it has SMILES, x"
    assert read(path, columns=["x"]).column_names == ["x"]


def test_a_column_of_another_type(tmp_path):
    write(tmp_path / "t.parquet", pa.table({"index": ["0"], "smiles": ["C"], "reason": ["r"]}))
    with pytest.raises(InputError, match=r"t\.parquet: column 'index' is string, int64 is expected"):
        read(tmp_path / "t.parquet", SAMPLES)


def test_strings_of_any_kind_are_strings(tmp_path):
    smiles = pa.array(["C", "C"], pa.large_string()).dictionary_encode()
    write(tmp_path / "t.parquet", pa.table({"index": [0, 1], "smiles": smiles, "reason": pa.nulls(2, pa.string())}))
    assert read(tmp_path / "t.parquet", SAMPLES)["smiles"].to_pylist() == ["C", "C"]


def test_a_writer_refuses_the_wrong_schema_and_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="not a samples table: no column 'index'"):
        write(tmp_path / "t.parquet", pa.table({"x": [1]}), SAMPLES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 3, 100, -8, -1])
def test_a_cut_table_is_one_line(kept, tmp_path):
    path = tmp_path / "t.parquet"
    write(path, _samples(1000), SAMPLES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"t\.parquet: not a whole Parquet file \(.*\); make it again") as error:
        read(path, SAMPLES)
    assert "\n" not in str(error.value)


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: no such file; check the path"):
        read(tmp_path / "none.parquet")
    with pytest.raises((InputError, ArtifactError), match=f"^{tmp_path}: "):
        read(tmp_path)


@given(st.lists(st.integers(0, 40), max_size=8))
@settings(deadline=None, max_examples=25)
def test_bytes_do_not_depend_on_the_pieces(tmp_path_factory, pieces):
    folder, total, done = tmp_path_factory.mktemp("pieces"), sum(pieces), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP", 16)
        write(folder / "whole.parquet", _samples(total), SAMPLES)
        with Writer(folder / "pieces.parquet", SAMPLES.schema(), SAMPLES) as writer:
            for size in pieces:
                writer.write(_samples(size, done))
                done += size
    assert (folder / "pieces.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert _groups(folder / "pieces.parquet") == [16] * (total // 16) + ([total % 16] if total % 16 else [])
    assert read(folder / "pieces.parquet")["index"].to_pylist() == list(range(total))


def test_dictionaries_of_pieces_become_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 4)
    rows = [("a", "train"), ("b", "test"), ("b", "train"), ("c", "valid"), ("a", "test"), ("d", "train")]

    def piece(part: list[tuple[str, str]]) -> dict[str, list]:
        files, splits = zip(*part, strict=True)
        return {"smiles": ["C"] * len(part), "name": [None] * len(part), "file": files,
                "line": range(len(part)), "split": splits}  # fmt: skip

    for name, size in (("one", 1), ("three", 3), ("all", 6)):
        with Writer(tmp_path / name, MOLECULES.schema(), MOLECULES) as writer:
            for i in range(0, len(rows), size):
                writer.write(piece(rows[i : i + size]))
        found = read(tmp_path / name, MOLECULES)
        assert list(zip(found["file"].to_pylist(), found["split"].to_pylist(), strict=True)) == rows
        assert pa.types.is_dictionary(found.schema.field("split").type)
        assert _groups(tmp_path / name) == [4, 2]


def test_rows_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)), Writer(tmp_path / "t", SAMPLES.schema()) as writer:
        writer.write({"index": ["x"], "smiles": ["C"], "reason": [None]})
