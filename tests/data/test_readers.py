"""Readers: every format gives the same rows; damage costs no good row."""

import csv
import gzip
import io
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgen.core.errors import InputError, MolgenError
from molgen.data.readers import Columns, Reader, to_mol
from molgen.data.streams import MAX_LINE

MOLECULES = [("CCO", "ethanol"), ("c1ccccc1", "benzene, pure"), ("CC(=O)O", "acetic acid"), ("CN", "")]


def _smi() -> str:
    return "".join(f"{smiles} {name}\n".replace(" \n", "\n") for smiles, name in MOLECULES)


def _csv(delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("name", "SMILES"), *((name, smiles) for smiles, name in MOLECULES)])
    return text.getvalue()


def _sdf() -> str:
    blocks = []
    for smiles, name in MOLECULES:
        mol = Chem.MolFromSmiles(smiles)
        mol.SetProp("_Name", name)
        blocks.append(Chem.MolToMolBlock(mol) + "> <logS>\n1.5\n\n$$$$\n")
    return "".join(blocks)


TEXTS = {".smi": _smi(), ".csv": _csv(","), ".tsv": _csv("\t"), ".sdf": _sdf()}
PACK = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def _write(folder, name: str, data: bytes | str):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def _read(path, columns: Columns | None = None) -> list[tuple[str, str]]:
    reader = Reader(path, columns)
    rows = [(Chem.MolToSmiles(to_mol(row.text, block=reader.blocks)), row.name or "") for row in reader]
    assert reader.damage is None
    return rows


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("format_", TEXTS)
def test_every_format_gives_the_same_rows(tmp_path, format_, bom, ending, compression):
    if format_ == ".sdf" and bom:
        bom = b""  # the first line of an SDF record is a name
    data = PACK[compression](bom + TEXTS[format_].replace("\n", ending).encode())
    assert _read(_write(tmp_path, f"a{format_}{compression}", data)) == MOLECULES


def test_parquet(tmp_path):
    smiles, names = zip(*MOLECULES, strict=True)
    pq.write_table(pa.table({"id": names, "Smiles": smiles, "x": [1.0] * 4}), tmp_path / "a.parquet")
    assert _read(tmp_path / "a.parquet") == MOLECULES


def test_columns(tmp_path):
    path = _write(tmp_path, "a.csv", "one;two;three\nC;CC;n1\nCCC;CCCC;n2\n")
    assert _read(path, Columns("two", "three")) == [("CC", "n1"), ("CCCC", "n2")]
    with pytest.raises(InputError, match="no column 'four'; it has one, two, three"):
        _read(path, Columns("four"))
    with pytest.raises(InputError, match=r"no SMILES column found; name it with --smiles-column; it has name, x"):
        _read(_write(tmp_path, "b.csv", "name,x\na,1\n"))


def test_csv_without_header_and_with_quotes(tmp_path):
    assert _read(_write(tmp_path, "a.csv", "1,CCO\n2,CCN\n")) == [("CCO", ""), ("CCN", "")]
    quoted = 'smiles,name\n"CCO","a, ""b"""\nCCN,"two\nlines"\nCCC,c\n'
    assert _read(_write(tmp_path, "b.csv", quoted)) == [("CCO", 'a, "b"'), ("CCN", "two\nlines"), ("CCC", "c")]


def test_a_stray_quote_swallows_no_good_row(tmp_path):
    path = _write(tmp_path, "a.csv", 'smiles,name\nCCO,a\n"CC,b\nCCN,c\nCCC,d\n' + "CCCC,e\n" * 30)
    rows = list(Reader(path))
    assert [row.line for row in rows if row.problem] == [3]
    assert [row.text for row in rows if not row.problem] == ["CCO", "CCN", "CCC"] + ["CCCC"] * 30


def test_lines_are_numbered_and_blanks_counted(tmp_path):
    reader = Reader(_write(tmp_path, "a.smi", "\n  \nC\n\nCC name of two\n"))
    assert [(row.line, row.text, row.name) for row in reader] == [(3, "C", None), (5, "CC", "name of two")]
    assert reader.blank == 3
    reader = Reader(_write(tmp_path, "a.csv", "smiles,x\n\nC,1\nCC\n"))
    assert [(row.line, row.problem) for row in reader] == [(3, None), (4, "1 columns, the header has 2")]


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_truncated_file_gives_what_is_readable(tmp_path, compression):
    lines = [f"{'C' * (1 + i % 50)} m{i * 7919 % 100003}" for i in range(20_000)]
    data = PACK[compression]("\n".join(lines).encode())
    reader = Reader(_write(tmp_path, f"a.smi{compression}", data[: len(data) * 2 // 3]))
    found = [f"{row.text} {row.name}" for row in reader]
    assert "ends too early" in reader.damage
    assert 1000 < len(found) < len(lines)
    assert found[:-1] == lines[: len(found) - 1]
    reader = Reader(_write(tmp_path, f"b.smi{compression}", data))
    assert len(list(reader)) == len(lines)
    assert reader.damage is None


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.smi", b"", "a.smi: the file is empty"),
        ("a.csv", b"\n\n", "a.csv: holds no molecules"),
        ("a.smi", bytes(range(256)) * 10, "a.smi: a binary file"),
        ("a.smi.gz", b"CCO\nCC\n", "a.smi.gz: not a .gz file"),
        ("a.smi.gz", gzip.compress(b"CCO\n" * 100, mtime=0)[:14], "a.smi.gz: cannot be decompressed"),
        ("a.parquet", b"PAR1 no", "a.parquet: not a whole Parquet file"),
        ("a.xlsx", b"x", "a.xlsx: unknown format '.xlsx'; known: .smi"),
        ("a", b"x", "unknown format '(no extension)'"),
    ],
)
def test_unusable_files(tmp_path, name, data, message):
    with pytest.raises(MolgenError) as error:
        list(Reader(_write(tmp_path, name, data)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"none.smi: no such file"):
        Reader(tmp_path / "none.smi")
    (tmp_path / "folder.smi").mkdir()
    with pytest.raises(InputError, match="a folder; a file is expected"):
        Reader(tmp_path / "folder.smi")


def test_endless_line_is_cut(tmp_path):
    path = _write(tmp_path, "a.smi", "CC\n" + "C" * (3 * MAX_LINE + 5) + "\nCCO\n")
    rows = list(Reader(path))
    assert [(row.line, len(row.text)) for row in rows] == [(1, 2), (2, MAX_LINE), (3, 3)]


def test_broken_sdf_record_is_one_row(tmp_path):
    good = _sdf().split("$$$$\n")
    text = "$$$$\n".join([good[0], "name\n\n\nnonsense\nM  END\n", good[1], ""])
    reader = Reader(_write(tmp_path, "a.sdf", text))
    rows = list(reader)
    assert [row.line for row in rows] == [1, 2, 3]
    with pytest.raises(Exception, match="broken SDF record"):
        to_mol(rows[1].text, block=True)
    assert Chem.MolToSmiles(to_mol(rows[2].text, block=True)) == "c1ccccc1"


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00\x1c\x1d\x1e\x85\u2028\u2029"), max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_csv_equals_the_standard_library(tmp_path_factory, records):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("smiles", "name"), *records])
    path = _write(tmp_path_factory.mktemp("csv"), "a.csv", text.getvalue())
    expected = [(smiles.strip(), name.strip() or None) for smiles, name in records]
    found = [(row.text, row.name) for row in Reader(path)]
    assert found == expected


@given(st.binary(max_size=300))
def test_junk_is_rows_or_one_error(tmp_path_factory, data):
    for name in ("a.smi", "a.csv", "a.sdf", "a.smi.gz", "a.csv.zst"):
        path = _write(tmp_path_factory.mktemp("junk"), name, data)
        with suppress(InputError):  # any other error fails the test
            assert all(row.line >= 1 for row in Reader(path))
