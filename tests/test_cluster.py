"""`cluster`: clusters and scaffolds as RDKit has them, whatever the number of workers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.ML.Cluster import Butina

from molgen.cluster import ClusterSettings, cluster, number
from molgen.core.errors import InputError
from molgen.core.tables import CLUSTERS, read
from molgen.data import printed

LIMIT = 0.3


@pytest.fixture(scope="module")
def file(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 molecules; the third row is none."""
    rows = [*zinc_smiles[:149], "CCCO"]
    rows.insert(2, "c1cc")
    path = tmp_path_factory.mktemp("cluster") / "library.smi"
    path.write_text("".join(f"{smiles} Z{i}\n" for i, smiles in enumerate(rows)))
    return path


@pytest.fixture(scope="module")
def mols(file: Path) -> list[Chem.Mol]:
    return [m for m in (Chem.MolFromSmiles(line.split()[0]) for line in file.read_text().splitlines()) if m]


@pytest.fixture(scope="module")
def similarity(mols: list[Chem.Mol]) -> np.ndarray:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(mol) for mol in mols]
    return np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])


@pytest.mark.parametrize("workers", [1, 2])
def test_butina_clusters_are_rdkits(file, mols, similarity, tmp_path, workers, monkeypatch):
    if workers == 1:
        monkeypatch.setattr(printed, "CHUNK", 64)
    summary = cluster(file, tmp_path / "c.parquet", settings=ClusterSettings(similarity=LIMIT), workers=workers)
    table = read(tmp_path / "c.parquet", CLUSTERS).to_pandas()
    assert table.name.tolist() == [f"Z{i}" for i in range(151)]
    assert table.reason[2] == "SMILES syntax"
    assert table.drop(columns=["smiles", "name", "reason"]).iloc[2].isna().all()
    rows = table.drop(index=2).reset_index(drop=True)
    assert rows.reason.isna().all()
    n = len(mols)
    back = similarity[::-1, ::-1]  # RDKit lets the last of equals lead
    distances = [1 - back[i, j] for i in range(1, n) for j in range(i)]
    groups = Butina.ClusterData(distances, n, 1 - LIMIT + 1e-12, isDistData=True)
    expected = {frozenset(n - 1 - i for i in group): n - 1 - group[0] for group in groups}
    found = {frozenset(group): int(rows.index[(rows.cluster == c) & rows.centre.astype(bool)][0])
             for c, group in rows.groupby("cluster").groups.items()}  # fmt: skip
    assert found == expected
    sizes = rows.groupby("cluster").size()
    assert (rows["size"] == rows.cluster.map(sizes)).all()
    assert sizes.tolist() == sorted(sizes, reverse=True)
    centres = [expected[frozenset(rows.index[rows.cluster == c])] for c in rows.cluster]
    assert (rows.similarity == similarity[np.arange(n), centres].astype(np.float32)).all()
    assert (summary.clusters, summary.singletons, summary.largest) == (len(groups), (sizes == 1).sum(), sizes.max())
    assert (summary.rows, summary.molecules, summary.reasons) == (151, 150, {"SMILES syntax": 1})


def test_scaffolds_are_rdkits_and_counted(file, mols, tmp_path):
    summary = cluster(file, tmp_path / "c.parquet", settings=ClusterSettings(method="sphere"))
    rows = read(tmp_path / "c.parquet").to_pandas().drop(index=2)
    scaffolds = [MurckoScaffold.MurckoScaffoldSmiles(mol=mol) for mol in mols]
    assert rows.scaffold.tolist() == scaffolds
    generics = []
    for mol in mols:
        scaffold = MurckoScaffold.MakeScaffoldGeneric(MurckoScaffold.GetScaffoldForMol(mol))
        generics.append(Chem.CanonSmiles(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(scaffold))))
    assert rows.generic_scaffold.tolist() == generics
    counts = Counter(s for s in scaffolds if s)
    assert (summary.murcko, summary.generic) == (len(counts), len(set(generics) - {""}))
    assert summary.without_rings == scaffolds.count("") > 0
    assert summary.scaffolds == sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]


def test_maxmin_makes_as_many_clusters_as_asked_for(file, similarity, tmp_path):
    settings = ClusterSettings(method="maxmin", count=12)
    cluster(file, tmp_path / "c.parquet", settings=settings)
    rows = read(tmp_path / "c.parquet").to_pandas().drop(index=2).reset_index(drop=True)
    picked = [0]
    while len(picked) < 12:
        picked.append(int(np.argmax([1 - similarity[i, picked].max() for i in range(len(similarity))])))
    assert rows.index[rows.centre.astype(bool)].tolist() == sorted(picked)
    assert np.allclose(rows.similarity, similarity[:, picked].max(1))


def test_again_and_otherwise(file, tmp_path):
    out = tmp_path / "c.parquet"
    first = cluster(file, out)
    before = out.stat().st_mtime_ns
    assert cluster(file, out) == first
    assert out.stat().st_mtime_ns == before
    with pytest.raises(Exception, match=r"similarity: 0.65 there, 0.5 asked for"):
        cluster(file, out, settings=ClusterSettings(similarity=0.5))


def test_no_molecule_at_all(tmp_path):
    (tmp_path / "bad.smi").write_text("x\ny\n")
    with pytest.raises(InputError, match=r"bad.smi: no molecule is left of 2 rows \(SMILES syntax\)"):
        cluster(tmp_path / "bad.smi", tmp_path / "c.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.smi"]


def test_clusters_are_numbered_by_size_then_centre():
    assert [column.tolist() for column in number(np.array([4, 1, 4, 3, 4, 1]))] == [
        [1, 2, 1, 3, 1, 2],
        [3, 2, 3, 1, 3, 2],
    ]
