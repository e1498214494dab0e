"""Fragment graphs: a molecule comes back from its symbols and sites, however it was cut."""

from __future__ import annotations

from collections.abc import Container

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.represent.fragments import POINT, Fragmenter, assemble
from molgen.represent.graphs import graph_of
from molgen.represent.motifs import neighbours_of, ring_systems
from molgen.represent.symbols import Symbol, canonical_symbol, symbol

ODD = [
    *("C", "CC", "C=O", "N#N", "[C-]#[O+]", "O=C=O", "C1CC1", "c1ccccc1"),  # one or two fragments
    *("[O-][n+]1ccccc1", "C[N+](C)(C)CC(=O)[O-]", "O=[N+]([O-])c1ccccc1", "c1c[nH+]c[nH]1"),  # charges
    *("FC(F)(F)C(F)(F)C(Cl)(Cl)Cl", "FC(F)c1ccccc1", "FS(F)(F)(F)(F)F", "O=S(=O)(O)O"),
    *("O=c1cc[nH]c(=O)[nH]1", "CN=c1cc[nH]cc1", "C=C1CCCCC1", "c1ccc2c(c1)-c1ccccc12", "CC1=NC(=O)C=C1"),
    *("C1CC2CCC1C2", "C1CCC2(CC1)CCCCC2", "c1ccc2c(c1)ccc1ccccc12", "C1CCCCCCCCC1", "C12C3C4C1C5C2C3C45"),  # rings
    *("C[CH]C", "c1cc[se]c1", "b1ccccc1", "p1ccccc1", "C[As](C)C", "C[Si](C)(C)C", "O=[PH](O)O", "C[SH4]C"),
    *("CC(=C=C)C#CC#N", "CN=[N+]=[N-]", "[2H]C([2H])O", "c1cc(-c2ccccc2)cc(-c2ccccc2)c1"),
]


def _flat(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return Chem.MolToSmiles(mol)


def _there_and_back(smiles: str, vocabulary: Container[str] | None) -> str:
    mol = assemble(Fragmenter(vocabulary).of_graph(graph_of(smiles)))
    Chem.SanitizeMol(mol)
    return Chem.MolToSmiles(mol)


@pytest.mark.parametrize("vocabulary", [None, set()], ids=["whole", "broken into atoms"])
def test_a_molecule_comes_back(zinc_smiles: list[str], vocabulary: set[str] | None) -> None:
    for smiles in [*zinc_smiles[:300], *map(Chem.CanonSmiles, ODD)]:
        assert _there_and_back(smiles, vocabulary) == _flat(smiles), smiles


def test_only_what_the_vocabulary_lacks_is_broken() -> None:
    smiles = "c1ccc2c(c1)ccn2CC1CC1"
    graph = Fragmenter({"*C1CC1"}).of_graph(graph_of(Chem.CanonSmiles(smiles)))
    assert "*C1CC1" in graph.symbols
    sizes = sorted(len(symbol(text).atoms) for text in graph.symbols)
    assert sizes == [1] * 10 + [3]
    assert len(graph.edges) == len(graph.symbols) + 1  # a tree has one less than nodes; two rings are open


@pytest.mark.parametrize(
    ("smiles", "texts"),
    [
        ("CC(=O)Nc1ccccc1", ["*C", "*C(*)=O", "*N*", "*c1ccccc1"]),
        ("CCc1ccc(C(F)(F)F)cc1", ["*C", "*C(F)(F)F", "*C*", "*c1ccc(*)cc1"]),
        ("O=C1CCCN1CC#N", ["*C#N", "*C*", "*N1CCCC1=O"]),
        ("CS(=O)(=O)N1CCOCC1", ["*C", "*N1CCOCC1", "*S(*)(=O)=O"]),
        ("Fc1ccccc1F", ["*F", "*F", "*c1ccccc1*"]),
    ],
)
def test_known_molecules_are_cut_as_a_chemist_would(smiles: str, texts: list[str]) -> None:
    assert sorted(Fragmenter().of_graph(graph_of(smiles)).symbols) == texts


def test_ring_systems_are_those_of_rdkit(zinc_smiles: list[str]) -> None:
    for smiles in [*zinc_smiles[:300], *ODD]:
        mol = Chem.MolFromSmiles(smiles)
        bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), 0) for b in mol.GetBonds()]
        found = ring_systems(neighbours_of(mol.GetNumAtoms(), bonds))
        for bond in mol.GetBonds():  # a ring bond joins two atoms of one system, another bond does not
            assert (found[bond.GetBeginAtomIdx()] == found[bond.GetEndAtomIdx()]) == bond.IsInRing(), smiles


@given(
    st.randoms(use_true_random=False), st.sampled_from(["*c1cc(*)ccc1O", "*C(*)(*)C#N", "*n1c(*)nc2c1CCN2*", "*C(*)=*"])
)
@settings(max_examples=60)
def test_a_symbol_does_not_depend_on_the_order_of_its_atoms_and_sites(shuffle, text) -> None:
    text = Chem.CanonSmiles(text)
    one = Symbol.of(text)
    order = list(range(len(one.atoms)))
    shuffle.shuffle(order)
    sites = list(one.sites)
    shuffle.shuffle(sites)
    place = {atom: i for i, atom in enumerate(order)}
    moved = [type(site)(place[site.atom], site.order) for site in sites]
    bonds = [(place[a], place[b], kind) for a, b, kind in one.bonds]
    again, numbers = canonical_symbol([one.atoms[i] for i in order], bonds, moved)
    assert again == one.text
    assert sorted(numbers) == list(range(len(sites)))
    assert [Symbol.of(again).sites[i].order for i in numbers] == [site.order for site in moved]


@pytest.mark.parametrize(
    ("text", "count"),
    [("*C", 1), ("*c1ccc(*)cc1", 2), ("*c1cc(*)cc(*)c1", 6), ("*C(*)(*)*", 24), ("*C(*)=O", 2), ("*c1ccc(*)nc1", 1)],
)
def test_symmetries_of_sites(text: str, count: int) -> None:
    found = symbol(Chem.CanonSmiles(text)).automorphisms
    assert len(found) == count
    assert {tuple(p[q[i]] for i in range(len(p))) for p in found for q in found} == set(found)  # a group


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [("CC.O", "several fragments"), ("*CC", "unknown atom"), ("C->[Fe]", "no graph"), ("C" * 300, "no graph")],
)
def test_what_has_no_fragment_graph_is_refused_with_a_reason(smiles: str, reason: str) -> None:
    with pytest.raises(BadMolecule) as caught:
        Fragmenter().of_graph(graph_of(smiles))
    assert caught.value.reason == reason


def test_attachment_points_become_nodes_of_their_own() -> None:
    graph = Fragmenter().of_graph(graph_of("*c1ccc(C(=O)N*)cc1"), points=True)
    assert sorted(graph.symbols) == [POINT, POINT, "*C(*)=O", "*N*", "*c1ccc(*)cc1"]
    assert len(graph.edges) == 4
