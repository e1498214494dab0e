"""Marked attachment points: RDKit takes molecules apart, molgen spells, reads and puts them together again."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molgen.chem.attachments import Part, attach, ending, growths, holds, piece, prompt, read_parts
from molgen.chem.parse import BadMolecule

ACYCLIC = Chem.MolFromSmarts("[!#1;!#0]-;!@[!#1;!#0]")


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def _part(smiles: str) -> Part:
    (found,) = read_parts(smiles)
    return found


def _canonical(text: str) -> str:
    """By way of text, since perceiving stereo anew is part of what a molecule goes through."""
    return Chem.CanonSmiles(text)


def _halves(smiles: list[str], count: int) -> Iterator[tuple[str, str, str]]:
    """Molecules and the two halves that RDKit cuts them into at a random single bond outside rings."""
    pick = random.Random(1)
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        bonds = mol.GetSubstructMatches(ACYCLIC)
        if bonds and count:
            count -= 1
            bond = mol.GetBondBetweenAtoms(*pick.choice(bonds)).GetIdx()
            cut = Chem.MolToSmiles(Chem.FragmentOnBonds(mol, [bond], dummyLabels=[(0, 0)]))
            yield _canonical(text), *cut.split(".")


@pytest.mark.parametrize(
    ("smiles", "points"), [("c1ccc([*])cc1", 1), ("*c1cc(*)nc(*)c1", 3), ("C([2*])[*:7]", 2), ("c1ccccc1", 0)]
)
def test_points_are_numbered_whatever_their_labels(smiles: str, points: int) -> None:
    assert _part(smiles).points == list(range(1, points + 1))


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("c1ccc([*]", "SMILES syntax"),
        ("C*C", "attachment point: each [*] is to hang on one atom by a single bond"),
        ("C=*", "attachment point: each [*] is to hang on one atom by a single bond"),
        ("*", "attachment point: each [*] is to hang on one atom by a single bond"),
        ("**", "attachment point: each [*] is to hang on a heavy atom"),
        ("C(C)(C)(C)(C)*", "valence"),
    ],
)
def test_a_part_that_cannot_be_used_says_why(smiles: str, reason: str) -> None:
    with pytest.raises(BadMolecule) as caught:
        read_parts(smiles)
    assert str(caught.value).startswith(reason)


def test_a_molecule_is_put_together_again_from_prompt_and_rest(
    smiles: list[str], generator: np.random.Generator
) -> None:
    for whole, one, other in _halves(smiles[::8], 200):
        part, rest = _part(one), _part(other)
        begun = prompt(part, 1, generator)
        text = begun.text + ending(rest, generator)
        assert _canonical(text) == whole
        joined = attach(part, 1, piece(begun, text))
        assert joined.points == []
        assert _canonical(Chem.MolToSmiles(joined.mol)) == whole
        assert holds(Chem.MolFromSmiles(whole), part)
        assert holds(Chem.MolFromSmiles(whole), rest)


def test_every_atom_with_a_hydrogen_can_be_written_last(smiles: list[str], generator: np.random.Generator) -> None:
    for text in smiles[::80]:
        part = _part(text)
        places = growths(part)
        assert len(places) == sum(a.GetTotalNumHs() > 0 for a in part.mol.GetAtoms() if a.GetAtomicNum() > 1)
        for place in places:
            begun = prompt(place, 1, generator)
            assert _canonical(begun.text + "[H]") == _canonical(text)
            grown = attach(place, 1, piece(begun, begun.text + "F")).mol
            assert holds(grown, place)
            assert grown.GetNumHeavyAtoms() == part.mol.GetNumHeavyAtoms() + 1


@pytest.mark.parametrize("smiles", ["C[C@H](N)*", "C[C@@](N)(*)F", "*/C=C/F", "*[C@H](N)O", "C[C@]1(*)CCCN1*"])
def test_stereo_is_kept_whatever_the_spelling(smiles: str) -> None:
    part = _part(smiles)
    found = set()
    for seed in range(20):
        generator, grown = np.random.default_rng(seed), part
        for point in generator.permutation(part.points).tolist():
            begun = prompt(grown, point, generator)
            grown = attach(grown, point, piece(begun, begun.text + "Cl"))
        found.add(_canonical(Chem.MolToSmiles(grown.mol)))
        assert holds(grown.mol, part)
    assert found == {_canonical(smiles.replace("*", "Cl"))}


def test_spellings_differ_and_repeat_with_the_generator() -> None:
    part = _part("c1ccc2c(c1)[nH]c(*)c2CCN")
    texts = [prompt(part, 1, np.random.default_rng(seed)).text for seed in range(30)]
    assert texts == [prompt(part, 1, np.random.default_rng(seed)).text for seed in range(30)]
    assert len(set(texts)) > 3


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("=O", "not attached at the point"),
        ("", "not attached at the point"),
        (".C", "several fragments"),
        ("C*", "wildcard atom"),
        ("1CC1", "not attached at the point"),
        ("(C)C", "not attached at the point"),
        ("C(", "SMILES syntax"),
        ("F(C)C", "valence"),
    ],
)
def test_what_does_not_hang_on_the_point_by_one_single_bond_is_refused(rest: str, reason: str) -> None:
    begun = prompt(_part("CCC*"), 1, np.random.default_rng(0))
    with pytest.raises(BadMolecule) as caught:
        piece(begun, begun.text + rest)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("smiles", "part", "expected"),
    [
        ("Cc1ccccc1", "*c1ccccc1", True),
        ("Cc1ccccc1C", "*c1ccccc1", False),  # substituted where there is no mark
        ("Cc1ccccc1C", "*c1ccccc1*", True),
        ("Cc1cccc(C)c1", "*c1ccccc1*", False),  # elsewhere than marked
        ("c1ccccc1", "*c1ccccc1", False),
        ("C1CCc2ccccc2C1", "*c1ccccc1*", True),  # what hangs on two points may close a ring
        ("c1ccc2ccccc2c1", "*c1ccccc1*", False),  # by aromatic bonds
        ("CC(=O)c1ccccc1", "*Cc1ccccc1", False),  # two hydrogens replaced
        ("CC[NH2+]C", "*NC", False),
        ("CCNC", "*NC", True),
        ("C[C@H](N)F", "C[C@H](N)*", True),
        ("C[C@@H](N)F", "C[C@H](N)*", False),
        ("[2H]C(C)O", "*CO", False),
        ("Cn1cccc1", "*n1cccc1", True),
    ],
)
def test_holds_looks_at_points_hydrogens_charges_and_stereo(smiles: str, part: str, expected: bool) -> None:
    assert holds(Chem.MolFromSmiles(smiles), _part(part)) is expected


@settings(max_examples=300)
@given(st.text("Cc1N[*:2]()=n@H.O#", max_size=12))
def test_any_text_is_parts_or_a_reason(text: str) -> None:
    try:
        parts = read_parts(text)
    except BadMolecule:
        return
    generator = np.random.default_rng(0)
    for part in parts:
        for point in part.points:
            begun = prompt(part, point, generator)
            assert Chem.MolFromSmiles(begun.text + "[2H]") is not None
            assert piece(begun, begun.text + "F").GetNumHeavyAtoms() >= 1
