"""Children against RDKit: what a mutation promises, what a crossover keeps, and that all of them are molecules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from molgen.optimize import mutation
from molgen.optimize.crossover import crossover, pieces_of, places_of
from molgen.optimize.offspring import accepted, offspring

SALBUTAMOL = "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1"
CELECOXIB = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"


def _children(change, smiles: str, tries: int = 60) -> list[Chem.Mol]:
    generator, found = np.random.default_rng(0), []
    for _ in range(tries):
        mol = Chem.RWMol(Chem.MolFromSmiles(smiles))
        Chem.Kekulize(mol, clearAromaticFlags=True)
        if change(mol, generator) and (text := accepted(mol, 60)) is not None:
            found.append(Chem.MolFromSmiles(text))
    return found


def _atoms(mol: Chem.Mol) -> int:
    return mol.GetNumHeavyAtoms()


def _rings(mol: Chem.Mol) -> int:
    return mol.GetNumBonds() - mol.GetNumAtoms() + 1  # RDKit counts those of a cage more than once


@pytest.mark.parametrize(
    ("change", "counted", "difference"),
    [
        (mutation.append_atom, _atoms, 1),
        (mutation.insert_atom, _atoms, 1),
        (mutation.change_atom, _atoms, 0),
        (mutation.change_order, _atoms, 0),
        (mutation.delete_atom, _atoms, -1),
        (mutation.add_ring, _rings, 1),
        (mutation.delete_ring_bond, _rings, -1),
    ],
)
def test_a_mutation_changes_what_it_says(change, counted, difference):
    before = counted(Chem.MolFromSmiles(SALBUTAMOL))
    children = _children(change, SALBUTAMOL)
    assert len(children) >= 5
    assert {counted(child) - before for child in children} == {difference}


def test_a_group_goes_off_whole():
    sizes = {_atoms(child) for child in _children(mutation.delete_group, SALBUTAMOL)}
    whole = _atoms(Chem.MolFromSmiles(SALBUTAMOL))
    assert sizes
    assert all(whole / 2 <= size < whole for size in sizes)  # the smaller side goes


def test_pieces_are_both_sides_of_each_cut():
    mol, found = Chem.MolFromSmiles(SALBUTAMOL), places_of(SALBUTAMOL)
    assert set(found.chains) == {(b.GetIdx(),) for b in mol.GetBonds() if not b.IsInRing()}
    assert found.rings
    for place in [*found.chains, *found.rings]:
        one, other = pieces_of(SALBUTAMOL, place)
        assert one.atoms + other.atoms == mol.GetNumAtoms()
        assert len(one.cuts) == len(other.cuts) == len(place)


@pytest.mark.parametrize("smiles", ["C", "C1CC12CC2"])
def test_where_nothing_can_be_cut_there_is_no_child(smiles):
    generator = np.random.default_rng(0)
    assert all(crossover(smiles, SALBUTAMOL, generator) is None for _ in range(20))


def test_a_child_of_two_is_made_of_their_atoms():
    generator, found = np.random.default_rng(1), 0
    either = Counter(a.GetSymbol() for s in (SALBUTAMOL, CELECOXIB) for a in Chem.MolFromSmiles(s).GetAtoms())
    for _ in range(100):
        text = accepted(crossover(SALBUTAMOL, CELECOXIB, generator), 60)
        if text is not None:
            found += 1
            assert not Counter(a.GetSymbol() for a in Chem.MolFromSmiles(text).GetAtoms()) - either
    assert found > 20


def test_offspring_are_canonical_new_and_the_same_for_a_seed(zinc_smiles):
    parents = [Chem.CanonSmiles(smiles) for smiles in zinc_smiles[:40]]
    known = set(offspring(parents, 20, np.random.default_rng(0)))
    found = offspring(parents, 50, np.random.default_rng(0), known=known, largest=40)
    assert len(found) == len(set(found)) == 50
    assert not set(found) & (known | set(parents))
    assert [Chem.CanonSmiles(smiles) for smiles in found] == found
    assert max(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() for smiles in found) <= 40
    assert offspring(parents, 50, np.random.default_rng(0), known=known, largest=40) == found


def test_no_child_where_there_is_nothing_new():
    assert offspring(["C"], 3, np.random.default_rng(0), largest=1, known={"N", "O", "F", "S", "Cl", "Br"}) == []


@pytest.mark.parametrize("smiles", ["C1CCCCCCC1", "C1=CC1", "C1#CCCCC1", "C1=C=CCCC1", "C.C", "CCCCCC", "C[SH](=O)=O"])
def test_odd_molecules_are_no_children(smiles):
    assert accepted(Chem.MolFromSmiles(smiles), 5 if smiles == "CCCCCC" else 50) is None
