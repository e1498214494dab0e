"""Sketches stand for full descriptions: no hash that they rest on can mix up two molecules."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.chem import contributions, environments
from molgen.chem.environments import ENVIRONMENTS, IN_RING, KINDS, Kind, sketch

ELEMENTS = (5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)  # those of `_ORDINARY`
_ORDER = {1: 1.0, 2: 2.0, 3: 3.0, 4: 1.5}


def _combined(seed: np.ndarray, value: np.ndarray) -> np.ndarray:
    """boost::hash_combine in 32 bits."""
    with np.errstate(over="ignore"):
        return seed ^ (
            value.astype(np.uint32) + np.uint32(0x9E3779B9) + (seed << np.uint32(6)) + (seed >> np.uint32(2))
        )


def _invariant(number, degree, hydrogens, charge, ring) -> np.ndarray:
    """RDKit's connectivity invariant of an atom without isotope (MorganFingerprints, getConnectivityInvariants)."""
    seed = np.zeros(len(number), np.uint32)
    for part in (number, degree, hydrogens, charge, np.zeros_like(charge)):
        seed = _combined(seed, part)
    return np.where(ring, _combined(seed, np.ones_like(charge)), seed)


def test_the_invariant_is_the_one_we_think(mols):
    for mol in mols[:200]:
        rows = [
            (a.GetAtomicNum(), a.GetTotalDegree(), a.GetTotalNumHs(), a.GetFormalCharge(), a.IsInRing())
            for a in mol.GetAtoms()
        ]
        expected = _invariant(*(np.array(column) for column in zip(*rows, strict=True)))
        assert rdMolDescriptors.GetConnectivityInvariants(mol) == expected.tolist()


def test_what_shares_an_ordinary_invariant_is_far_more_negative():
    """So ordinary kinds differ from each other, and the total charge gives any mistake away: none makes up for it."""
    grid = np.meshgrid(ELEMENTS, np.arange(13), np.arange(13), np.arange(-112, 54), [False, True], indexing="ij")
    parts = [part.ravel() for part in grid]
    parts = [part[(parts[2] <= parts[1]) & (parts[3] < parts[0])] for part in parts]
    invariants = _invariant(*parts)
    number, degree, hydrogens, charge, _ = parts
    ordinary = np.array(
        [Kind(*row, 0).ordinary for row in zip(number, degree * 0 > 0, charge, hydrogens, degree, strict=True)]
    )
    assert len(np.unique(invariants[ordinary])) == ordinary.sum() > 2_000
    order = np.argsort(invariants[ordinary])
    known, own = invariants[ordinary][order], charge[ordinary][order]
    others, theirs = invariants[~ordinary], charge[~ordinary]
    places = np.minimum(np.searchsorted(known, others), len(known) - 1)
    shared = known[places] == others
    assert shared.any()
    assert (theirs[shared] <= own[places[shared]] - 50).all()


@pytest.mark.parametrize(
    "text",
    [
        "[13CH4]",
        "[H][H]",
        "[Na+].[Cl-]",
        "CN(C)(C)->O",
        "*C",
        "[C-4]",
        "C[Si](C)(C)[Ge](C)(C)C",
        "[CH3-].[C-60].[C+58]",
    ],
)
def test_the_unusual_has_no_sketch(text):
    assert sketch(Chem.MolFromSmiles(text)) is None


def test_a_sketch_says_what_rdkit_says(mols):
    for mol in mols[:300]:
        drawn = sketch(mol)
        for atom, number in zip(mol.GetAtoms(), drawn.environments, strict=True):
            environment = ENVIRONMENTS[number]
            assert KINDS[environment.kind] == Kind(
                atom.GetAtomicNum(),
                atom.GetIsAromatic(),
                atom.GetFormalCharge(),
                atom.GetTotalNumHs(),
                atom.GetTotalDegree(),
                mol.GetRingInfo().NumAtomRings(atom.GetIdx()),
            )
            found = sorted((_ORDER[c % IN_RING], c >= IN_RING, KINDS[k].number) for c, k in environment.bonds)
            assert found == sorted(
                (b.GetBondTypeAsDouble(), b.IsInRing(), b.GetOtherAtom(atom).GetAtomicNum()) for b in atom.GetBonds()
            )


def test_a_full_table_learns_no_more(monkeypatch):
    monkeypatch.setattr(environments, "MAX_ENVIRONMENTS", 0)
    assert sketch(Chem.MolFromSmiles("FC(Cl)=C(Br)C(I)=NOSC#CP")) is None
    known = sketch(Chem.MolFromSmiles("CCO"))
    assert known is None or contributions.totals(Chem.MolFromSmiles("CCO"), known) is not None
