"""Rings closed by joins: their sizes are RDKit's."""

from __future__ import annotations

import random

import pytest
from rdkit import Chem

from molgen.represent.closures import largest_ring, ring_sizes
from molgen.represent.derivations import FIRST_JOIN, Build, Grammar
from molgen.represent.fragments import Fragmenter, assemble
from molgen.represent.graphs import graph_of

RINGS = [
    "C1CC1",
    "C1CCCCC1",
    "C1CC2CCC1CC2",
    "C1CCC2(CC1)CCCC2",
    "C1CCCCCCCCC1",
    "c1ccc2c(c1)CCN2",
    "C1CC2(C1)CNC2",
]


def _grammar(molecules: list[str], fragments: list[str]) -> tuple[Grammar, Fragmenter]:
    fragmenter = Fragmenter(frozenset(fragments))
    texts = {text for smiles in molecules for text in fragmenter.of_graph(graph_of(smiles)).symbols}
    return Grammar(sorted(texts), 16), fragmenter


@pytest.mark.parametrize("fragments", [[], ["*c1ccccc1*", "*C1CC1"]])
def test_a_join_closes_the_ring_that_it_is_said_to(fragments: list[str], zinc_smiles: list[str]) -> None:
    """Along derivations from any root: the shortest path between the two atoms just before each join."""
    grammar, fragmenter = _grammar([*RINGS, *zinc_smiles[:60]], fragments)
    closed = 0
    for smiles in [*RINGS, *zinc_smiles[:60]]:
        flat = Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
        graph = fragmenter.of_graph(graph_of(flat))
        root = random.Random(smiles).randrange(len(graph.symbols))
        build = Build(grammar)
        for action in grammar.actions_of(graph, root):
            if action < FIRST_JOIN + grammar.joins and build.actions:
                place = action - FIRST_JOIN
                claimed, bounded = ring_sizes(build, 40)[place], ring_sizes(build, 5)[place]
                top, other = build.stack[-1][0], build.stack[build.joinable()[place]][0]
                build.apply(action)
                assert claimed == _shortest(build, top, other)
                assert bounded == min(claimed, 6)
                closed += 1
            else:
                build.apply(action)
        found = assemble(build.graph())
        Chem.SanitizeMol(found)
        assert Chem.MolToSmiles(found) == flat
    assert closed > 60


def _shortest(build: Build, one: int, other: int) -> int:
    """Atoms of the smallest ring through the bond between two single atoms that was made last."""
    first = FIRST_JOIN + build.grammar.joins
    mol = Chem.RWMol(assemble(build.graph()))  # open sites are missing hydrogens there
    symbols = [build.grammar.action_symbol[action] for action in build.actions]
    sizes = [
        len(build.grammar.symbols[s].atoms) if a >= first else 0 for s, a in zip(symbols, build.actions, strict=True)
    ]
    begin, end = sum(sizes[:one]), sum(sizes[:other])
    mol.RemoveBond(begin, end)
    return len(Chem.GetShortestPath(mol, begin, end))


def test_the_largest_ring_of_the_symbols() -> None:
    assert largest_ring(Grammar(["*C", "*C(*)*"], 4)) is None
    assert largest_ring(Grammar(["*C", "*C1CC1", "*c1cccc2c1CCCC2"], 4)) == 6
