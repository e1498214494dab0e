"""Fragment stores: molecules come back from them, whatever the workers; what is damaged is one clear line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError
from molgen.data.fragment_store import UNKNOWN, FragmentStore
from molgen.data.store import Store
from molgen.represent.fragments import FragmentGraph, assemble
from molgen.represent.symbols import symbol


@pytest.fixture
def store(features: Path, tmp_path: Path) -> Store:
    shutil.copytree(features, tmp_path / "features")
    return Store.open(tmp_path / "features")


@pytest.mark.parametrize("vocabulary", [0, 20])
def test_molecules_come_back(store: Store, vocabulary: int) -> None:
    cut = FragmentStore.of(store, vocabulary, workers=1)
    rows = store.rows("train")
    for smiles, (nodes, edges) in zip(store.smiles(rows), cut.graphs(rows), strict=True):
        mol = assemble(FragmentGraph([cut.texts[i] for i in nodes], edges))
        Chem.SanitizeMol(mol)
        assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(smiles, useChiral=0)


def test_the_vocabulary_is_the_most_frequent_fragments_of_several_atoms(store: Store) -> None:
    several = [text for text in FragmentStore.of(store, 12, workers=1).texts if len(symbol(text).atoms) > 1]
    assert len(several) == 12
    assert {"*c1ccccc1", "*C(*)=O"} <= set(several)
    assert len(FragmentStore.of(store, 0, workers=1).texts) == sum(
        len(symbol(text).atoms) == 1 for text in FragmentStore.of(store, 0, workers=1).texts
    )


def test_the_most_frequent_symbols_come_first_and_only_train_counts(store: Store) -> None:
    cut = FragmentStore.of(store, 50, workers=1)
    assert cut.counts == sorted(cut.counts, reverse=True)
    nodes = [i for graph, _ in cut.graphs(store.rows("train")) for i in graph]
    assert np.bincount(nodes, minlength=len(cut.texts)).tolist() == cut.counts
    unknown = [
        row
        for row, (graph, _) in zip(store.rows("valid"), cut.graphs(store.rows("valid")), strict=True)
        if UNKNOWN in graph
    ]
    assert all(row in store.rows("valid") for row in unknown)
    assert sum(len(graph) for graph, _ in cut.graphs(store.rows("test"))) == 0


def test_workers_do_not_matter_and_the_store_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    before = fingerprint(store.folder)
    shutil.copytree(store.folder, tmp_path / "again")
    FragmentStore.of(store, 30, workers=1)
    FragmentStore.of(Store.open(tmp_path / "again"), 30, workers=2)
    assert fingerprint(store.folder) == before
    one, two = (tmp_path / f"{name}.fragments" / "learnt-30" for name in ("features", "again"))
    assert fingerprint(one) == fingerprint(two)


def test_a_given_vocabulary_is_used_as_it_is(store: Store) -> None:
    cut = FragmentStore.of(store, ["*c1ccccc1"], workers=1)
    assert [text for text in cut.texts if len(symbol(text).atoms) > 1] == ["*c1ccccc1"]


def test_a_vocabulary_that_was_learnt_here_is_not_cut_again(store: Store) -> None:
    learnt = FragmentStore.of(store, 20, workers=1)
    several = [text for text in learnt.texts if len(symbol(text).atoms) > 1]
    made = store.folder.with_name("features.fragments")
    before = sorted(made.iterdir())
    again = FragmentStore.of(store, several[::-1], workers=1)
    assert sorted(made.iterdir()) == before
    assert again.texts == learnt.texts
    FragmentStore.of(store, several[:-1], workers=1)
    assert len(sorted(made.iterdir())) == len(before) + 1


def test_a_damaged_folder_is_one_clear_line(store: Store) -> None:
    FragmentStore.of(store, 5, workers=1)
    folder = store.folder.with_name("features.fragments") / "learnt-5"
    (folder / "nodes.npy").write_bytes((folder / "nodes.npy").read_bytes()[:40])
    with pytest.raises(ArtifactError, match=r"learnt-5: not whole .+; remove it"):
        FragmentStore.of(store, 5, workers=1)
