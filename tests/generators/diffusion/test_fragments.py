"""The fragment level: lossless graphs, and trees that use every site."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.diffusion.dense import Graphs, square
from molgen.generators.diffusion.fragments import FragmentLevel
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.scaffold import Scaffold
from molgen.generators.diffusion.settings import DiffusionConfig, DiffusionDrawing
from molgen.generators.diffusion.trees import Site, likely_nodes, likely_tree

from .conftest import SMALL


@pytest.fixture(scope="module")
def fragment_store(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The fixture store under another name: its fragments are kept beside it."""
    folder = tmp_path_factory.mktemp("fragments") / "features"
    folder.symlink_to(store.folder.resolve())
    return Store.open(folder)


@pytest.fixture(scope="module")
def level(fragment_store: Store) -> FragmentLevel:
    return FragmentLevel.of(fragment_store, 500)


@pytest.fixture(scope="module")
def fragment_model(fragment_store: Store) -> GraphDiffusion:
    torch.manual_seed(0)
    out = GraphDiffusion.build(DiffusionConfig(level="fragment", vocabulary=500, **SMALL), fragment_store)
    for parameter in out.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return out.double().eval()


def test_graphs_are_their_molecules(level: FragmentLevel, fragment_store: Store) -> None:
    rows = fragment_store.rows("train")
    sizes = level.sizes(fragment_store, rows)
    checked = 0
    for n in np.unique(sizes[sizes > 0]):
        same = rows[sizes == n]
        graphs = level.graphs(fragment_store, same)
        for i, smiles in enumerate(fragment_store.smiles(same)):
            mol = Chem.MolFromSmiles(smiles)
            Chem.RemoveStereochemistry(mol)
            plain = Chem.CanonSmiles(Chem.MolToSmiles(mol))
            assert level.smiles(graphs.nodes[i].tolist(), graphs.pairs[i].numpy()) == plain
            alone = level.graph(plain)
            assert alone is not None
            assert level.smiles(alone.nodes[0].tolist(), alone.pairs[0].numpy()) == plain
            checked += 1
    assert checked > 0.9 * len(rows)


def test_sites_that_only_change_places_together_are_told_apart() -> None:
    thiophene = FragmentLevel(["*c1sc(*)c(*)c1*", "*C", "*CC", "*c1ccc(*)cc1"])
    assert thiophene._kinds == [[0, 1, 2, 3], [0], [0], [0, 0]]


def test_a_class_seen_from_its_other_end(level: FragmentLevel) -> None:
    swapped = np.array(level.swapped)
    assert (swapped[swapped] == np.arange(level.edge_classes)).all()
    a, b = 0, level.kinds - 1
    assert swapped[1 + a * level.kinds + b] == 1 + b * level.kinds + a
    pairs = torch.tensor([[1 + a * level.kinds + b]])
    matrix = square(Graphs(torch.zeros(1, 2, dtype=torch.long), pairs), torch.tensor(swapped))
    assert matrix[0].tolist() == [[0, int(pairs)], [1 + b * level.kinds + a, 0]]


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["*C", "*C*", "*O"], [1, 0, 0]),  # a site without a bond
        (["*C", "*C", "*C"], [1, 1, 0]),  # two bonds at one site
        (["*C", "*=O"], [1]),  # orders that differ
        (["*C*", "*C*", "*C*"], [1, 1, 1]),  # a ring
    ],
)
def test_a_graph_that_is_no_tree_of_sites_is_refused(texts: list[str], pairs: list[int]) -> None:
    level = FragmentLevel(sorted(set(texts)))
    nodes = [level.texts.index(text) for text in texts]
    with pytest.raises(BadMolecule, match="sites"):
        level.smiles(nodes, np.array(pairs))


def test_a_ring_of_fragments_beside_another_molecule_is_settled_too() -> None:
    """Every site is used and the edges are as many as a tree has, but it is none."""
    level = FragmentLevel(["*C", "*C*"])
    nodes, matrix = torch.tensor([[0, 0, 1, 1, 1]]), torch.zeros(5, 5, dtype=torch.long)
    for u, v in ((0, 1), (2, 3), (2, 4), (3, 4)):
        matrix[u, v] = 1
    drawn = Graphs.of(nodes, matrix[None])
    with pytest.raises(BadMolecule, match="several fragments"):
        level.smiles(nodes[0].tolist(), drawn.pairs[0].numpy())
    beliefs = torch.full((1, 10, level.edge_classes), 0.1)
    settled = level.settle(drawn, torch.full((1, 5, 2), 0.5), beliefs)
    assert level.smiles(settled.nodes[0].tolist(), settled.pairs[0].numpy()) == "CCCCC"


def test_the_last_step_settles_on_trees(fragment_model: GraphDiffusion) -> None:
    how = DiffusionDrawing(steps=6)
    free = fragment_model.sample(60, seed=0, drawing=how.model_copy(update={"constrained": False}))
    kept = fragment_model.sample(60, seed=0, drawing=how)
    broken = [sum(r is not None and r.startswith("sites") for r in samples.reasons) for samples in (free, kept)]
    assert broken[1] < broken[0]
    for before, after in zip(free.smiles, kept.smiles, strict=True):
        assert before is None or before == after


@pytest.mark.parametrize("scaffold", ["[*]c1ccccc1", "[*]c1ccc([*])cc1", "[*]C(=O)Nc1ccccc1", "[*]CCN1CCN([*])CC1"])
def test_a_scaffold_stays(fragment_model: GraphDiffusion, scaffold: str) -> None:
    """In every graph; and a draw that is a molecule has something on its points and on no other of its atoms."""
    how = DiffusionDrawing(steps=3, scaffold=scaffold)
    kept = Scaffold.of(scaffold, fragment_model.level)
    fixed = [part[0] for part in kept.fixed(9)]
    with torch.inference_mode():
        *_, last = fragment_model.path(np.arange(20), 9, 0, how)
    for own, wanted in zip(last, fixed, strict=True):
        assert (own[:, wanted >= 0] == wanted[wanted >= 0]).all()
    query = Chem.MolFromSmarts(Chem.MolToSmarts(Chem.MolFromSmiles(scaffold)).replace("#0", "!#1"))
    valid = 0
    for smiles, reason in zip(*fragment_model.sample(40, seed=0, drawing=how), strict=True):
        assert smiles is None or Chem.MolFromSmiles(smiles).HasSubstructMatch(query)
        assert reason is None or not reason.startswith("scaffold")
        valid += smiles is not None
    assert valid > 8


@pytest.mark.parametrize(
    ("scaffold", "message"),
    [
        ("c1ccccc1", r"told with \[\*\] where"),
        ("[*][Xe]", "no fragment of this model"),
        ("[*]C1CCC2(CC1)CCC1(CCC3CCCCCC3C1)C2", "no fragment of this model"),
        ("[*]" + "C(C)" * 60, "largest molecule"),
    ],
)
def test_a_scaffold_that_is_not_of_its_fragments_is_refused(
    fragment_model: GraphDiffusion, scaffold: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        fragment_model.sample(1, seed=0, drawing=DiffusionDrawing.parse({"scaffold": scaffold, "steps": 2}))


def test_the_likeliest_tree_is_that_of_brute_force() -> None:
    single = Site(1, 0)
    sites = [Counter({single: k}) for k in (1, 2, 3, 1, 1)]
    weights = np.random.default_rng(0).normal(size=(5, 5))
    weights[0, 1] = weights[1, 2] = weights[2, 3] = weights[2, 4] = 5.0  # a tree that uses all sites
    found = likely_tree(sites, lambda u, v: weights[u : u + 1, v : v + 1])
    assert found is not None
    assert {(join.u, join.v) for join in found} == {(0, 1), (1, 2), (2, 3), (2, 4)}


def test_a_greedy_dead_end_is_left_again() -> None:
    """The likeliest edge joins both ends, after which nothing could be reached."""
    single = Site(1, 0)
    sites = [Counter({single: 1}), Counter({single: 2}), Counter({single: 1})]
    weights = np.array([[0, 1, 9], [0, 0, 1], [0, 0, 0]], float)
    found = likely_tree(sites, lambda u, v: weights[u : u + 1, v : v + 1])
    assert found is not None
    assert {(join.u, join.v) for join in found} == {(0, 1), (1, 2)}
    assert likely_tree([Counter({single: 1})] * 3, lambda u, v: weights[u : u + 1, v : v + 1]) is None


def test_nodes_are_changed_as_little_as_a_tree_needs() -> None:
    sites, probs = [1, 2, 3], np.array([[0.9, 0.1, 0.0], [0.3, 0.3, 0.4], [0.8, 0.2, 0.0]])
    assert likely_nodes([0, 1, 0], probs, sites) == [0, 1, 0]
    assert likely_nodes([0, 2, 0], probs, sites) == [0, 1, 0]
    assert likely_nodes([2, 2, 2], probs, sites) is None


def test_the_batch_size_does_not_matter(fragment_model: GraphDiffusion) -> None:
    how = DiffusionDrawing(steps=4)
    whole = fragment_model.sample(16, seed=3, drawing=how)
    parts = [fragment_model.sample(n, seed=3, first=first, drawing=how) for first, n in [(0, 5), (5, 11)]]
    assert [s for p in parts for s in p.smiles] == whole.smiles
    assert [s for p in parts for s in p.reasons] == whole.reasons


def test_likelihoods_exist_at_this_level_too(fragment_model: GraphDiffusion) -> None:
    with torch.inference_mode():
        found = fragment_model.log_prob(["CCc1ccccc1", "[Xe]"])
    assert torch.isfinite(found[0])
    assert found[1] == -torch.inf
