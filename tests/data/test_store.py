"""The feature store: what was put in comes out, for any rows; what is not whole is refused in one line."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from molgen.core.errors import ArtifactError, InputError
from molgen.core.tables import MOLECULES, write
from molgen.data.featurize import featurize
from molgen.data.store import ARRAYS, HEADER, Store, gather
from molgen.represent.graphs import graph_of
from molgen.represent.tokens import BOS, EOS, PAD, tokenize

MOLECULES_IN = [
    *("CCO", "C", "Clc1ccccc1Br", "O=C(O)c1cc[nH]c1", "C[C@H](N)C(=O)O", "C%10CCCCCCCCC%10", "N->[Cu+]"),
    *("C[N+](C)(C)C", "[13CH4]", "F/C=C/F", "N#Cc1ccc2c(c1)CCC2", "CS(=O)(=O)N", "C[CH]C", "P"),
]
SPLITS_IN = ["train"] * 9 + ["valid", "valid", "test", "test", "test_scaffolds"]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    table = pa.table(
        {
            "smiles": MOLECULES_IN,
            "name": pa.nulls(len(MOLECULES_IN), pa.string()),
            "file": ["made.smi"] * len(MOLECULES_IN),
            "line": pa.array(range(1, len(MOLECULES_IN) + 1), pa.int64()),
            "split": SPLITS_IN,
            "logP": pa.array([i / 2 for i in range(len(MOLECULES_IN))], pa.float32()),
            "MW": pa.array([100.0 + i for i in range(len(MOLECULES_IN))], pa.float32()),
        }
    )
    write(folder / "molecules.parquet", table, MOLECULES)
    featurize(folder, folder / "features")
    return Store.open(folder / "features")


@given(st.data())
def test_gather_is_a_loop_over_rows(data):
    lengths = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=20))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tail = data.draw(st.sampled_from([(), (3,)]))
    flat = data.draw(arrays.arrays(np.uint8, (int(offsets[-1]), *tail)))
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=30)), np.int64)
    values, counts = gather(flat, offsets, rows)
    pieces = [flat[offsets[r] : offsets[r + 1]] for r in rows]
    np.testing.assert_array_equal(values, np.concatenate([flat[:0], *pieces]))
    assert counts.tolist() == [len(piece) for piece in pieces]


def test_smiles_come_back(store):
    known = {token for text in MOLECULES_IN[:9] for token in tokenize(text)}  # the train split
    expected = ["".join(t if t in known else "<unknown>" for t in tokenize(text)) for text in MOLECULES_IN]
    assert expected[:9] == MOLECULES_IN[:9]
    assert expected[13] == "<unknown>"
    rows = np.arange(len(store))
    assert store.smiles(rows) == expected
    assert store.smiles(rows[::-1]) == expected[::-1]
    assert store.smiles(rows[:0]) == []


def test_graphs_come_back(store):
    rows = np.array([3, 0, 6, 3, 1])
    found = store.graphs(rows)
    graphs = [graph_of(MOLECULES_IN[row]) for row in rows]
    symbols = [symbol for graph in graphs if graph is not None for symbol in graph.atoms]
    assert [store.atom_symbols[i] for i in found.atoms] == symbols
    assert found.atom_counts.tolist() == [0 if graph is None else len(graph.atoms) for graph in graphs]
    assert found.bond_counts.tolist() == [0 if graph is None else len(graph.bonds) for graph in graphs]
    starts = np.cumsum(found.atom_counts) - found.atom_counts
    bonds = np.split(found.bonds, np.cumsum(found.bond_counts)[:-1])
    for graph, start, piece in zip(graphs, starts, bonds, strict=True):
        expected = [] if graph is None else [[b + start, e + start, kind] for b, e, kind in graph.bonds.tolist()]
        assert piece.tolist() == expected


def test_splits_and_properties(store):
    assert len(store) == len(MOLECULES_IN)
    assert store.rows("train").tolist() == list(range(9))
    assert store.rows("test_scaffolds").tolist() == [13]
    assert store.property_names == ["MW", "logP"]
    assert store.properties[:, 0].tolist() == [100.0 + i for i in range(14)]
    with pytest.raises(InputError, match=r"unknown split 'vaild' \(did you mean 'valid'\?"):
        store.rows("vaild")


def test_token_rectangle(store):
    rows = np.array([1, 4, 0])
    rectangle = store.token_rectangle(rows, before=BOS, after=EOS, pad=PAD)
    ids = [store.vocabulary.encode(MOLECULES_IN[row]).tolist() for row in rows]
    width = max(map(len, ids)) + 2
    assert rectangle.dtype == np.uint8
    assert rectangle.tolist() == [[BOS, *i, EOS] + [PAD] * (width - 2 - len(i)) for i in ids]
    assert store.token_lengths(rows).tolist() == [len(i) for i in ids]
    assert store.token_rectangle(rows[:0], before=BOS, after=EOS, pad=PAD).shape == (0, 2)


def test_a_store_is_opened_as_memory_maps(store):
    for name in ARRAYS:
        array = getattr(store, name)
        assert isinstance(array, np.memmap), name
        assert not array.flags.writeable, name


@pytest.fixture
def copy(store, tmp_path):
    return shutil.copytree(store.folder, tmp_path / "copy")


def _refusal(folder) -> str:
    with pytest.raises((ArtifactError, InputError)) as caught:
        Store.open(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", [*ARRAYS, HEADER])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text"])
def test_a_store_that_is_not_whole_is_refused(copy, name, damage):
    file = copy / (name if name == HEADER else f"{name}.npy")
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({"empty": b"", "cut": content[:-1], "text": b"<!doctype html>"}[damage])
    if name == HEADER and damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    assert "not a whole feature store" in _refusal(copy)


def test_arrays_that_do_not_belong_together_are_refused(copy):
    np.save(copy / "tokens.npy", np.load(copy / "tokens.npy")[:-1])
    assert "not a whole feature store" in _refusal(copy)


@pytest.mark.parametrize("header", [[], {}, {"format": 0}, "text"])
def test_another_format_is_refused(copy, header):
    (copy / HEADER).write_text(json.dumps(header))
    assert "this molgen reads 1" in _refusal(copy)


def test_a_missing_folder_is_refused(tmp_path):
    assert _refusal(tmp_path / "none").endswith("no such folder; make a feature store with `molgen featurize`")
