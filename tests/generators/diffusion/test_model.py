"""The family: batches of one size, noise that can be repeated, draws that depend on their number alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem
from torch import Tensor

from molgen.chem.parse import BadMolecule
from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.base import Samples
from molgen.generators.diffusion.batches import by_size
from molgen.generators.diffusion.denoising import Begin, times
from molgen.generators.diffusion.dense import Graphs, square
from molgen.generators.diffusion.level import Counts
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.scaffold import Scaffold
from molgen.generators.diffusion.settings import DiffusionConfig, DiffusionDrawing

FEW = DiffusionDrawing(steps=4)


def test_graphs_are_their_molecules(model: GraphDiffusion, store: Store) -> None:
    rows = model.usable(store, store.rows("train"))
    sizes = model.level.sizes(store, rows)
    checked = 0
    for n in np.unique(sizes):
        same = rows[sizes == n]
        graphs = model.level.graphs(store, same)
        for smiles, nodes, pairs in zip(store.smiles(same), graphs.nodes.tolist(), graphs.pairs.numpy(), strict=True):
            mol = Chem.MolFromSmiles(smiles)
            Chem.RemoveStereochemistry(mol)
            assert model.level.smiles(nodes, pairs) == Chem.CanonSmiles(Chem.MolToSmiles(mol))
            checked += 1
    assert checked == len(rows) > 250


def test_a_graph_that_is_no_molecule_says_why(model: GraphDiffusion) -> None:
    symbols = {str(s): i for i, s in enumerate(model.level.symbols)}
    carbon, nitrogen = symbols["C"], symbols["c"]
    for nodes, pairs, reason in [
        ([carbon] * 3, [3, 3, 0], "valence"),
        ([carbon] * 3, [1, 0, 0], "several fragments"),
        ([nitrogen] * 2, [4], "aromatic atom outside a ring"),
    ]:
        with pytest.raises(BadMolecule, match=reason):
            model.level.smiles(nodes, np.array(pairs))


def test_molecules_with_an_atom_that_is_not_known_are_left_out(model: GraphDiffusion, store: Store) -> None:
    valid = store.rows("valid")
    assert len(model.usable(store, valid)) == len(valid) - 1


def test_molecules_of_a_class_or_size_that_was_not_counted_are_left_out(model: GraphDiffusion, store: Store) -> None:
    """A model's marginals give them no probability: their loss would be infinite."""
    rows = store.rows("valid")
    fluorine = [str(s) for s in model.level.symbols].index("F")
    nodes, pairs, sizes = (list(kind) for kind in model.counts)
    nodes[fluorine], pairs[3], sizes[9] = 0, 0, 0  # no fluorine, no triple bond, not nine atoms
    other = GraphDiffusion(model.config, model.level, Counts(nodes, pairs, sizes), model.config_values()["conditions"])
    found, all_of_them = other.usable(store, rows), model.usable(store, rows)
    mols = [Chem.MolFromSmiles(s) for s in store.smiles(all_of_them)]
    strange = [
        m.GetNumAtoms() == 9 or any(m.HasSubstructMatch(Chem.MolFromSmarts(q)) for q in ("F", "*#*")) for m in mols
    ]
    assert found.tolist() == all_of_them[~np.array(strange)].tolist()
    assert 0 < len(found) < len(all_of_them)
    loss, before = (m.loss(m.eval().collate(store, all_of_them)).total for m in (other, model))
    assert torch.isinf(loss)
    assert torch.isfinite(before)
    assert torch.isfinite(other.loss(other.collate(store, found)).total)


def test_counts_are_those_of_the_training_molecules(model: GraphDiffusion, store: Store) -> None:
    rows = model.usable(store, store.rows("train"))
    mols = [Chem.MolFromSmiles(s) for s in store.smiles(rows)]
    assert model.counts.sizes == np.bincount([m.GetNumAtoms() for m in mols]).tolist()
    assert sum(model.counts.nodes) == sum(m.GetNumAtoms() for m in mols)
    assert sum(model.counts.pairs[1:]) == sum(m.GetNumBonds() for m in mols)
    assert sum(model.counts.pairs) == sum(m.GetNumAtoms() * (m.GetNumAtoms() - 1) // 2 for m in mols)


def test_batches_hold_each_molecule_once_and_keep_within_the_budget() -> None:
    sizes = np.random.default_rng(0).choice([3, 5, 8, 30], p=[0.6, 0.3, 0.09, 0.01], size=2_000)
    batches = by_size(sizes, most=64, edges=1_000)
    assert sorted(np.concatenate(batches).tolist()) == list(range(2_000))
    assert max(map(len, batches)) == 64
    assert all((sizes[b] ** 2).sum() <= 1_000 for b in batches)
    mixed = [b for b in batches if len(set(sizes[b].tolist())) > 1]
    assert sum(map(len, mixed)) < 150
    assert [min(b) for b in batches] == sorted(min(b) for b in batches)
    alone = by_size(np.array([5, 6, 5, 7, 6, 8, 8]), most=2, edges=1_000)
    assert [b.tolist() for b in alone] == [[0, 2], [1, 4], [3], [5, 6]]


def test_evaluation_puts_the_same_noise_on_each_time(model: GraphDiffusion, store: Store) -> None:
    rows = model.usable(store, store.rows("valid"))[:20]
    first, again = model.loss(model.collate(store, rows)), model.loss(model.collate(store, rows))
    assert float(first.total.detach()) == float(again.total.detach())
    assert first.weight == 20
    assert float(first.total.detach()) == pytest.approx(float(sum(first.parts.values())))


def test_training_tells_some_properties_of_some_molecules(model: GraphDiffusion, store: Store) -> None:
    torch.manual_seed(0)
    model.train()
    try:
        batch = model.collate(store, model.usable(store, store.rows("train"))[:200])
    finally:
        model.eval()
    codes = torch.cat([group.codes for group in batch if group.codes is not None])
    told = codes.abs().sum(1) > 0
    assert 0.2 < told.double().mean() < 0.8


@pytest.mark.parametrize("sampler", ["direct", "flow", "posterior"])
def test_the_batch_size_does_not_matter(model: GraphDiffusion, sampler: str) -> None:
    how = FEW.model_copy(update={"sampler": sampler, "again": 1})
    whole = model.sample(20, seed=3, drawing=how)
    parts = [model.sample(n, seed=3, first=first, drawing=how) for first, n in [(0, 1), (1, 6), (7, 13)]]
    assert [s for p in parts for s in p.reasons] == whole.reasons
    assert [s for p in parts for s in p.smiles] == whole.smiles


def test_a_path_begins_in_noise_and_each_wish_changes_it(model: GraphDiffusion) -> None:
    draws = np.arange(6)
    plain = list(model.path(draws, 9, 0, FEW))
    assert len(plain) == FEW.steps + 1
    wishes = [{"sampler": "flow"}, {"sampler": "flow", "omega": 2.0}, {"sampler": "posterior"}, {"eta": 5.0}]
    for change in [*wishes, {"condition": {"logP": 4.0}}, {"temperature": 0.3}]:
        other = list(model.path(draws, 9, 0, FEW.model_copy(update=change)))
        assert torch.equal(other[0].nodes, plain[0].nodes)
        assert not torch.equal(other[-1].pairs, plain[-1].pairs)
    asked = FEW.model_copy(update={"condition": {"logP": 4.0}})
    once = list(model.path(draws, 9, 0, asked))[-1]
    again = list(model.path(draws, 9, 0, asked.model_copy(update={"guidance": 1.0})))[-1]
    more = list(model.path(draws, 9, 0, asked.model_copy(update={"guidance": 5.0})))[-1]
    assert torch.equal(once.pairs, again.pairs)
    assert not torch.equal(once.pairs, more.pairs)


def test_times_run_from_noise_to_data() -> None:
    assert times(4, "none") == [0, 0.25, 0.5, 0.75, 1]
    assert times(2, "quadratic") == [0, 0.75, 1]


def test_wishes_it_cannot_meet_are_refused(model: GraphDiffusion, store: Store) -> None:
    with pytest.raises(SettingsError, match="did you mean 'logP'"):
        model.sample(1, seed=0, drawing=DiffusionDrawing(condition={"logp": 1.0}))
    with pytest.raises(SettingsError, match="did you mean 'steps'"):
        DiffusionDrawing.parse({"stepps": 3})
    with pytest.raises(SettingsError, match="multiple of heads"):
        GraphDiffusion.build(DiffusionConfig(width=30, heads=4), store)


@pytest.mark.parametrize("scaffold", ["c1ccccc1", "[*]c1ccc([*])cc1", "O=C1NCCN1"])
def test_a_scaffold_stays(model: GraphDiffusion, scaffold: str) -> None:
    """Its atoms and bonds, in every graph; and nothing hangs on atoms without a point."""
    how = FEW.model_copy(update={"scaffold": scaffold})
    part = Chem.MolFromSmiles(scaffold.replace("[*]", "").replace("()", ""))
    m, bonds = part.GetNumAtoms(), part.GetNumBonds()
    for _, graphs in model.draw_graphs(np.arange(12), 0, how):
        matrix = square(graphs)
        assert graphs.size > m
        assert [str(model.level.symbols[k])[0] for k in graphs.nodes[0, :m].tolist()] == [
            a.GetSymbol().lower() if a.GetIsAromatic() else a.GetSymbol() for a in part.GetAtoms()
        ]
        assert ((matrix[:, :m, :m] > 0).sum((1, 2)) == 2 * bonds).all()
        outside = (matrix[:, :m, m:] > 0).any(2)
        if "*" in scaffold:
            assert (outside.sum(1) <= 2).all()
    reasons = model.sample(12, seed=0, drawing=how).reasons
    assert all(reason is not None for reason in reasons)  # an untrained network draws no molecules


def test_what_lacks_the_scaffold_is_a_null_row(model: GraphDiffusion) -> None:
    scaffold = Scaffold.of("[*]c1ccc([*])cc1", model.level)
    scaffold.check("Cc1ccc(O)cc1")
    Scaffold.of("[*][C@H](N)c1ccccc1", model.level).check("CC(N)c1ccccc1")  # graphs have no stereo
    for other in ["Cc1ccccc1", "Cc1ccc(O)c(O)c1", "CCO"]:
        with pytest.raises(BadMolecule, match="scaffold"):
            scaffold.check(other)


@pytest.mark.parametrize(
    ("scaffold", "message"),
    [("c1ccc", "scaffold"), ("C.C", "one connected part"), ("[Xe]", "does not know"), ("C" * 60, "largest molecule")],
)
def test_a_scaffold_it_cannot_hold_is_refused(model: GraphDiffusion, scaffold: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        model.sample(1, seed=0, drawing=DiffusionDrawing.parse({"scaffold": scaffold, "steps": 2}))


def test_variations_lie_between_a_molecule_and_a_plain_draw(model: GraphDiffusion, store: Store) -> None:
    rows = model.usable(store, store.rows("train"))[:20]
    smiles = store.smiles(rows)
    graphs = [graph for text in smiles if (graph := model.level.graph(text)) is not None]
    near = model.vary(graphs, 1 - 1e-9, seed=1, drawing=FEW)
    own = [model.level.smiles(graph.nodes[0].tolist(), graph.pairs[0].numpy()) for graph in graphs]
    assert near.smiles == own
    places = np.array([i for i, graph in enumerate(graphs) if graph.size == graphs[0].size])
    begin = Begin(Graphs(*(torch.cat(part) for part in zip(*(graphs[i] for i in places), strict=True))), 0.0)
    far = list(model.path(places, graphs[0].size, 1, FEW, begin=begin))
    plain = list(model.path(places, graphs[0].size, 1, FEW))
    assert len(far) == len(plain)
    assert all(torch.equal(a.nodes, b.nodes) and torch.equal(a.pairs, b.pairs) for a, b in zip(far, plain, strict=True))
    half = list(model.path(places, graphs[0].size, 1, FEW, begin=begin._replace(time=0.5)))
    assert 1 < len(half) < len(plain)
    kept = (half[0].nodes == begin.graphs.nodes).double().mean()
    assert 0.5 < kept < 1


def test_only_draws_that_are_no_molecules_are_made_again(
    model: GraphDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"logP": np.linspace(0, 4, 60)}

    def first_node(again: int) -> Tensor:
        how = FEW.model_copy(update={"again": again, "again_from": 0.2})
        return torch.cat([graphs.nodes[:, 0] for _, graphs in model.draw_graphs(np.arange(60), 3, how, asked)])

    def ones(self: GraphDiffusion, graphs: Graphs) -> Samples:
        return Samples.of(("C", None) if node == 1 else (None, "other") for node in graphs.nodes[:, 0].tolist())

    monkeypatch.setattr(GraphDiffusion, "_read", ones)
    plain, once, often = first_node(0), first_node(1), first_node(20)
    assert 0 < (plain == 1).sum() < (once == 1).sum() < (often == 1).sum()
    assert (once[plain == 1] == 1).all()
    assert torch.equal(often[once == 1], once[once == 1])
