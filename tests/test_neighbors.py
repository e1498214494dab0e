"""`neighbors`: equal to RDKit's similarities, an index that is made once, and bad rows counted."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.cli import main as command
from molgen.core.errors import ArtifactError, InputError, PartialError
from molgen.core.tables import NEIGHBORS, read
from molgen.data import index, printed
from molgen.data.index import Library, open_library
from molgen.neighbors import NONE_NEAR, NeighborSettings, Queries, neighbors

GARBAGE = ["not_a_molecule", "c1ccccc", "C" * 3000]


@pytest.fixture(scope="module")
def place(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`library.smi`: 300 molecules, some twice, with garbage between them; `queries.smi`: 12, one of them garbage."""
    folder = tmp_path_factory.mktemp("neighbors")
    rows = [f"{smiles} Z{i}" for i, smiles in enumerate(zinc_smiles[:280] + zinc_smiles[:20])]
    for i, text in enumerate(GARBAGE):
        rows.insert(50 * (i + 1), f"{text} bad{i}")
    (folder / "library.smi").write_text("\n".join(rows) + "\n")
    queries = [*zinc_smiles[:5], *zinc_smiles[400:406]]
    queries.insert(4, "C1CC")
    (folder / "queries.smi").write_text("".join(f"{smiles} Q{i}\n" for i, smiles in enumerate(queries)))
    return folder


@pytest.fixture(scope="module")
def library(place: Path) -> Library:
    return open_library(place / "library.smi")


def similarities(queries: list[str], others: list[str]) -> np.ndarray:
    """RDKit's own."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(smiles)) for smiles in others]
    return np.array(
        [
            DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(Chem.MolFromSmiles(smiles)), prints)
            for smiles in queries
        ]
    )


def words(file: Path) -> list[list[str]]:
    return [line.split() for line in file.read_text().splitlines()]


@pytest.mark.parametrize("workers", [1, 2])
def test_neighbours_equal_a_stable_sort_of_rdkits(place, library, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(printed, "CHUNK", 5)  # queries in three parts
    summary = neighbors(
        Queries(str(place / "queries.smi")), library, tmp_path / "n.parquet", settings=NeighborSettings(k=7),
        workers=workers,
    )  # fmt: skip
    rows = read(tmp_path / "n.parquet", NEIGHBORS).to_pylist()
    known = [(line, *row) for line, row in enumerate(words(place / "library.smi"), 1) if row[0] not in GARBAGE]
    expected = []
    for smiles, name in words(place / "queries.smi"):
        if smiles == "C1CC":
            reason = "SMILES syntax"
            expected.append((smiles, name, None, None, None, None, None, reason))
            continue
        found = similarities([smiles], [row[1] for row in known])[0]
        for rank, i in enumerate(np.argsort(-found, kind="stable")[:7], 1):
            line, text, other = known[i]
            expected.append((smiles, name, rank, float(np.float32(found[i])), text, other, line, None))
    assert [tuple(row.values()) for row in rows] == expected
    assert (summary.queries, summary.answered, dict(summary.reasons)) == (12, 11, {"SMILES syntax": 1})


def test_only_neighbours_that_are_similar_enough(place, library, tmp_path, zinc_smiles):
    (tmp_path / "q.smi").write_text(f"{zinc_smiles[0]}\n[Xe]\n")
    neighbors(
        Queries(str(tmp_path / "q.smi")), library, tmp_path / "n.csv", settings=NeighborSettings(min_similarity=1)
    )
    rows = pyarrow.csv.read_csv(tmp_path / "n.csv").to_pylist()
    assert [row["name"] for row in rows] == ["Z0", "Z280", None] or [row["name"] for row in rows][2] == ""
    assert [row["rank"] for row in rows] == [1, 2, None]
    assert rows[2]["reason"] == NONE_NEAR


def test_fewer_molecules_than_asked_for(place, library, tmp_path):
    neighbors(Queries("CCO"), library, tmp_path / "n.parquet", settings=NeighborSettings(k=1000))
    rows = read(tmp_path / "n.parquet")
    assert rows["rank"].to_pylist() == list(range(1, 301))


def test_the_index_is_made_once_and_counts_what_it_skipped(place, library, monkeypatch):
    header = json.loads((place / "library.smi.index" / "header.json").read_text())
    assert header["skipped"] == {"SMILES syntax": 2, "SMILES too long": 1}
    assert (header["molecules"], header["rows"], header["damage"]) == (300, 303, None)
    assert isinstance(library.prints, np.memmap)
    monkeypatch.setattr(index, "printed", None)  # would be called if it were made again
    again = open_library(place / "library.smi")
    assert again.key == library.key
    assert open_library(place / "library.smi.index").key == library.key


def test_the_index_does_not_depend_on_the_number_of_workers(place, library, tmp_path, monkeypatch):
    monkeypatch.setattr(printed, "CHUNK", 2048)
    other = open_library(place / "library.smi", index=tmp_path / "other", workers=2)
    for name in ("header.json", "prints.bin", "molecules.arrow"):
        assert (other.folder / name).read_bytes() == (library.folder / name).read_bytes()


def test_an_index_of_other_settings_is_refused_with_the_difference(place, library):
    with pytest.raises(ArtifactError, match=r"library.smi.index: exists with other settings \(bits: 2048 there, 1024"):
        open_library(place / "library.smi", bits=1024)
    with pytest.raises(ArtifactError, match=r"an index with other settings \(radius: 2 there, 3 asked for\)"):
        open_library(library.folder, radius=3, bits=2048)


def test_a_changed_library_is_refused(place, tmp_path):
    file = tmp_path / "l.smi"
    file.write_text("CCO\nCCN\n")
    open_library(file)
    file.write_text("CCO\nCCS\n")
    with pytest.raises(ArtifactError, match=r"input library has changed\); remove it or choose another --index"):
        open_library(file)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.smi", b"", "the file is empty"),
        ("blank.smi", b"\n\n", "holds no molecules"),
        ("bad.smi", b"x1\nx2\n", r"no molecule is left of 2 rows \(SMILES syntax\)"),
        ("bad.mol", b"CCO\n", "unknown format '.mol'"),
    ],
)
def test_libraries_that_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_library(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folders_that_are_no_index(tmp_path, features, library):
    for folder in (tmp_path, features):
        with pytest.raises(InputError, match="a folder, but no index of a library"):
            open_library(folder)
    whole = library.folder / "prints.bin"
    (tmp_path / "header.json").write_text((library.folder / "header.json").read_text())
    (tmp_path / "prints.bin").write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="not a whole index"):
        open_library(tmp_path)


def test_a_prepared_folder_is_a_library(prepared):
    opened = open_library(prepared)
    table = pq.read_table(prepared / "molecules.parquet")
    assert opened.molecules["smiles"].to_pylist() == table["smiles"].to_pylist()


def test_a_truncated_library_is_searched_as_far_as_it_goes(place, tmp_path):
    packed = gzip.compress((place / "library.smi").read_bytes())
    (tmp_path / "cut.smi.gz").write_bytes(packed[: len(packed) // 2])
    opened = open_library(tmp_path / "cut.smi.gz")
    assert 0 < len(opened) < 300
    with pytest.raises(PartialError, match="ends too early"):
        neighbors(Queries("CCO"), opened, tmp_path / "n.parquet")
    assert read(tmp_path / "n.parquet").num_rows == 10


def test_the_graph_finds_nearly_all_with_exact_similarities(place, library, tmp_path):
    settings = NeighborSettings(k=5, approximate=True, expansion=300)
    neighbors(Queries(str(place / "queries.smi")), library, tmp_path / "a.parquet", settings=settings)
    neighbors(Queries(str(place / "queries.smi")), library, tmp_path / "e.parquet", settings=NeighborSettings(k=5))
    found, exact = (read(tmp_path / name).to_pylist() for name in ("a.parquet", "e.parquet"))
    wanted = {(row["query"], row["line"]): row["similarity"] for row in exact}
    same = [row for row in found if (row["query"], row["line"]) in wanted]
    assert len(same) >= 0.95 * len(wanted)
    assert all(row["similarity"] == wanted[row["query"], row["line"]] for row in same)
    neighbors(Queries("c1ccccc1O"), library, tmp_path / "one.parquet", settings=settings)
    assert read(tmp_path / "one.parquet")["rank"].to_pylist() == [1, 2, 3, 4, 5]


def test_the_graph_is_the_same_each_time(place, library, tmp_path):
    from molgen.data.graph import Graph

    other = open_library(place / "library.smi", index=tmp_path / "other")
    for opened in (library, other):
        Graph(opened)
    assert (other.folder / "graph.usearch").read_bytes() == (library.folder / "graph.usearch").read_bytes()
    graph = other.folder / "graph.usearch"
    graph.write_bytes(graph.read_bytes()[:100])
    with pytest.raises(ArtifactError, match="not a whole graph"):
        Graph(other)


def run(*arguments: object, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["molgen", "neighbors", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        command.main()
    return caught.value.code


def test_the_command_prints_neighbours(place, library, zinc_smiles, monkeypatch, capsys):
    assert not run(zinc_smiles[3], "--library", library.folder, "--k", 2, monkeypatch=monkeypatch)
    out = capsys.readouterr().out.splitlines()
    assert out == [f"     1  1.000  {zinc_smiles[3]}  Z3", f"     2  1.000  {zinc_smiles[3]}  Z283"]
    assert not run(place / "queries.smi", "--library", place / "library.smi", "--k", 1, monkeypatch=monkeypatch)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{zinc_smiles[0]}  Q0"
    assert "        SMILES syntax" in out
    assert len(out) == 12 * 2 + 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("C1CC", "query 'C1CC': not a molecule (SMILES syntax), and no such file"),
        ("absent.smi", "absent.smi: no such file; check the path"),
        ("C" * 5000, "not a molecule (SMILES too long), and no such file"),
    ],
)
def test_a_query_that_is_no_molecule_is_one_line(query, message, library, monkeypatch, capsys):
    assert run(query, "--library", library.folder, monkeypatch=monkeypatch) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]
