"""Derivations: whatever the stack machine is told, it builds a molecule; and each molecule has its derivation."""

from __future__ import annotations

import random

import numpy as np
import pytest
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.represent.derivations import FIRST_JOIN, ROOT, Build, Grammar
from molgen.represent.fragments import Fragmenter, FragmentGraph, assemble
from molgen.represent.graphs import graph_of


@pytest.fixture(scope="module")
def graphs(zinc_smiles: list[str]) -> list[FragmentGraph]:
    """Fragment graphs of molecules, most of them cut into the frequent fragments, some into atoms."""
    found = []
    for i, smiles in enumerate(zinc_smiles[:400]):
        cut = Fragmenter(None if i % 4 else {"*c1ccccc1", "*C(*)=O"})
        found.append(cut.of_graph(graph_of(Chem.CanonSmiles(smiles))))
    return found


@pytest.fixture(scope="module")
def grammar(graphs: list[FragmentGraph]) -> Grammar:
    counts: dict[str, int] = {}
    for graph in graphs:
        for text in graph.symbols:
            counts[text] = counts.get(text, 0) + 1
    return Grammar(sorted(counts, key=lambda t: (-counts[t], t)), joins=24)


def _smiles(graph: FragmentGraph) -> str:
    mol = assemble(graph)
    Chem.SanitizeMol(mol)
    return Chem.MolToSmiles(mol)


def _built(grammar: Grammar, actions: list[int]) -> Build:
    build = Build(grammar)
    for action in actions:
        assert not build.done
        build.apply(action)
    return build


def test_a_derivation_from_any_root_builds_the_molecule(grammar: Grammar, graphs: list[FragmentGraph]) -> None:
    generator = random.Random(0)
    for graph in graphs:
        expected = _smiles(graph)
        for root in (None, generator.randrange(len(graph.symbols))):
            actions = grammar.actions_of(graph, root)
            assert len(actions) == len(graph.edges) + 1
            build = _built(grammar, actions)
            assert build.done
            assert _smiles(build.graph()) == expected


def test_a_molecule_has_one_derivation_whatever_the_order_of_its_atoms(grammar: Grammar) -> None:
    """Of each root, up to symmetry: as many derivations as there are sorts of symbols, not as many as atom orders."""
    mol = Chem.MolFromSmiles("Cc1cc(C)cc(C(C)C)c1")
    found = set()
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(mol.GetNumAtoms()).tolist()
        smiles = Chem.CanonSmiles(Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False))
        graph = Fragmenter().of_graph(graph_of(smiles))
        own = Grammar(["*C", "*C(*)*", "*c1cc(*)cc(*)c1"], joins=0)
        found.add(tuple(own.actions_of(graph)))
    assert len(found) == 1


def test_equal_sites_are_entered_by_one_action() -> None:
    grammar = Grammar(["*c1ccc(*)cc1", "*C(*)(*)*", "*C(*)=O", "*c1ccc(*)nc1"], joins=0)
    entries = [int((grammar.action_symbol[FIRST_JOIN + 4 :] == i).sum()) for i in range(4)]
    assert entries == [1, 1, 1, 2]


def test_random_actions_build_molecules(grammar: Grammar) -> None:
    """No choice among the actions that are due leads anywhere but to one sanitizable fragment."""
    generator = random.Random(1)
    choices = [list(range(*bounds)) for bounds in grammar.classes]
    closing = [[a for a in actions if not grammar.action_arity[a]] for actions in choices]
    for _ in range(150):
        build = Build(grammar)
        while not build.done:
            kind = build.stack[-1][2] if build.stack else ROOT
            joins = len(build.joinable()) if build.stack else 0
            if joins and generator.random() < 0.4:
                build.apply(FIRST_JOIN + generator.randrange(min(joins, grammar.joins)))
            else:
                full = len(build.actions) > 8 and closing[kind]
                build.apply(generator.choice(closing[kind] if full else choices[kind]))
            if len(build.actions) > 60:
                break
        if build.done:
            smiles = _smiles(build.graph())
            assert "." not in smiles
            assert Chem.MolFromSmiles(smiles) is not None, smiles


def test_a_join_never_bonds_an_atom_to_itself_or_twice() -> None:
    grammar = Grammar(["*C*", "*C(*)(*)*"], joins=8)
    place = grammar.action_of[1, -1]
    enter = grammar.action_of[1, 0]
    build = _built(grammar, [place])
    assert build.joinable() == []  # all open sites are the atom's own
    build.apply(enter)
    assert build.joinable() == []  # its neighbour is bonded to it
    build.apply(enter)
    assert [build.stack[i][0] for i in build.joinable()] == [0, 0, 0]


def test_refusals(grammar: Grammar) -> None:
    with pytest.raises(BadMolecule, match="the training set never had it"):
        grammar.actions_of(Fragmenter().of_graph(graph_of("C[Te]C")))
    shallow = Grammar(["*C*"], joins=0)
    with pytest.raises(BadMolecule, match="needs join 1, the model has 0"):
        shallow.actions_of(Fragmenter(set()).of_graph(graph_of("C1CCC1")))
