"""Marked attachment points: a part of a molecule whose `[*]` say where it may be substituted.

A part is spelled with one point last, so that whatever is written behind it hangs on that point: the prompt of
`c1ccc([*])cc1` is `c1ccccc1`. What was written is read back as a piece of its own and put on the part (stereo of both
kept), until no point is left. `holds` judges the result by substructure alone, without knowing how it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse

TRIES = 24  # random orders of the atoms before spellings of another kind are looked at
MATCHES = 1_000  # places in a molecule where a part is looked for


@dataclass(frozen=True)
class Part:
    """A piece of a molecule; its dummy atoms are the points, with the map numbers 1, 2, ..."""

    mol: Chem.Mol

    @cached_property
    def points(self) -> list[int]:
        """Map numbers of the points that are still free."""
        return sorted(a.GetAtomMapNum() for a in self.mol.GetAtoms() if _is_point(a))

    @cached_property
    def query(self) -> Chem.Mol:
        """Matches where each point has a heavy neighbour and no other atom has more neighbours than in the part."""
        adjust: Any = Chem.AdjustQueryParameters.NoAdjustments()
        adjust.adjustDegree, adjust.adjustDegreeFlags = True, Chem.ADJUST_IGNOREDUMMIES
        adjust.makeDummiesQueries = True
        return Chem.AdjustQueryProperties(_without_numbers(self.mol), adjust)


class Prompt(NamedTuple):
    """The beginning of a SMILES: a part, written so that what follows hangs on one of its points."""

    text: str
    atoms: int  # how many it spells
    last: int  # index among them of the atom with the point


def read_parts(smiles: str) -> list[Part]:
    """The parts of a SMILES, one for each fragment; BadMolecule if one cannot be used."""
    return [_part(fragment) for fragment in Chem.GetMolFrags(parse(smiles), asMols=True)]


def _part(mol: Chem.Mol) -> Part:
    points = 0
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
        if atom.GetAtomicNum() == 0:
            bonds = atom.GetBonds()
            if len(bonds) != 1 or bonds[0].GetBondType() != Chem.BondType.SINGLE:
                raise BadMolecule("attachment point", "each [*] is to hang on one atom by a single bond")
            if bonds[0].GetOtherAtom(atom).GetAtomicNum() <= 1:
                raise BadMolecule("attachment point", "each [*] is to hang on a heavy atom")
            points += 1
            atom.SetIsotope(0)
            atom.SetAtomMapNum(points)
    return Part(mol)


def growths(part: Part) -> list[Part]:
    """The part with one point, for each of its atoms that has a hydrogen to give."""
    found = []
    for atom in part.mol.GetAtoms():
        if atom.GetTotalNumHs() and atom.GetAtomicNum() > 1:
            # by way of explicit hydrogens, since a new neighbour would otherwise turn a stereo centre over
            mol = Chem.RWMol(Chem.AddHs(part.mol, onlyOnAtoms=[atom.GetIdx()]))
            mol.GetAtomWithIdx(mol.GetNumAtoms() - 1).SetAtomicNum(0)
            mol.GetAtomWithIdx(mol.GetNumAtoms() - 1).SetAtomMapNum(1)
            found.append(Part(Chem.RemoveHs(mol)))
    return found


def prompt(part: Part, point: int, generator: np.random.Generator) -> Prompt:
    """A random spelling with `point` last; the other points are spelled as hydrogens.

    BadMolecule if none is found: there is one for every point, but RDKit's choice of direction in rings hides some.
    """
    mol = Chem.RWMol(part.mol)
    for atom in mol.GetAtoms():
        if _is_point(atom):
            atom.SetAtomicNum(0 if atom.GetAtomMapNum() == point else 1)
            atom.SetAtomMapNum(0)
    mol = Chem.RemoveHs(mol)
    text = _ending_in_the_point(mol, generator)
    written = parse(text)
    end = written.GetAtomWithIdx(written.GetNumAtoms() - 1)
    return Prompt(text[:-1], end.GetIdx(), end.GetNeighbors()[0].GetIdx())


def ending(part: Part, generator: np.random.Generator) -> str:
    """A random spelling of a part with one point that begins there, to be written behind what it hangs on."""
    mol = _without_numbers(part.mol)
    return _spelled(mol, _dummy(mol), generator.random(mol.GetNumAtoms())).removeprefix("*")


def piece(begun: Prompt, text: str) -> Chem.Mol:
    """What `text` has written behind the prompt, with a dummy atom (numbered 1) where it was cut off.

    BadMolecule if the text is no molecule, or hangs on the prompt by anything but one single bond at its point.
    """
    mol = parse(text)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise BadMolecule("several fragments", text[:80])
    if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
        raise BadMolecule("wildcard atom", text[:80])
    ends = [sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in mol.GetBonds()]
    between = [i for i, (first, second) in enumerate(ends) if first < begun.atoms <= second]
    if (
        len(between) != 1
        or ends[between[0]][0] != begun.last
        or mol.GetBondWithIdx(between[0]).GetBondType() != Chem.BondType.SINGLE
    ):
        raise BadMolecule("not attached at the point", text[:80])
    cut = Chem.FragmentOnBonds(mol, between, dummyLabels=[(0, 0)])
    for index in range(mol.GetNumAtoms(), cut.GetNumAtoms()):
        cut.GetAtomWithIdx(index).SetAtomMapNum(1)
    wanted = ends[between[0]][1]
    fragments = zip(Chem.GetMolFrags(cut), Chem.GetMolFrags(cut, asMols=True, sanitizeFrags=False), strict=True)
    found: Chem.Mol = next(fragment for atoms, fragment in fragments if wanted in atoms)
    return found


def attach(part: Part, point: int, substituent: Chem.Mol) -> Part:
    """The part with a piece on one of its points; the others are still free. BadMolecule if it cannot be."""
    mol = Chem.Mol(substituent)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(point if atom.GetAtomMapNum() else 0)
    joined = Chem.molzip(part.mol, mol)
    try:
        Chem.SanitizeMol(joined)
    except Chem.MolSanitizeException as error:
        raise BadMolecule("chemistry", str(error)) from None
    return Part(joined)


def holds(mol: Chem.Mol, part: Part) -> bool:
    """Whether `mol` contains the part, stereo included, with something on each of its points and on no other atom."""
    own = [atom for atom in part.mol.GetAtoms() if not _is_point(atom)]
    atoms = list(mol.GetAtoms())
    return any(
        all(_same(atom, atoms[match[atom.GetIdx()]]) for atom in own)
        for match in mol.GetSubstructMatches(part.query, useChirality=True, uniquify=False, maxMatches=MATCHES)
    )


def _same(one: Chem.Atom, other: Chem.Atom) -> bool:
    """What a query leaves open: no charge, no isotope, hydrogens."""
    return (one.GetFormalCharge(), one.GetIsotope(), one.GetTotalNumHs(), one.GetIsAromatic()) == (
        other.GetFormalCharge(),
        other.GetIsotope(),
        other.GetTotalNumHs(),
        other.GetIsAromatic(),
    )


def _ending_in_the_point(mol: Chem.Mol, generator: np.random.Generator) -> str:
    """A SMILES that ends in the dummy atom."""
    end = _dummy(mol)
    near = mol.GetAtomWithIdx(end).GetNeighbors()[0]
    roots = [bond.GetOtherAtomIdx(near.GetIdx()) for bond in near.GetBonds() if bond.IsInRing()]
    distances = Chem.GetDistanceMatrix(mol)[end]
    for _ in range(TRIES):
        # Starting in the same ring and turning away from the end where that can be chosen hits in most tries.
        anywhere = not roots or generator.random() < 0.5
        root = int(generator.integers(mol.GetNumAtoms())) if anywhere else int(generator.choice(roots))
        text = _spelled(mol, root, generator.random(len(distances)) / 2 - distances)
        if text.endswith("*"):
            return text
    # RDKit's other kind of random order is freer in rings, but unlike the spellings that models learn (chem.spellings).
    seed = int(generator.integers(2**31 - 1))
    for text in Chem.MolToRandomSmilesVect(mol, 8 * TRIES, randomSeed=seed):
        if text.endswith("*"):
            return text
    raise BadMolecule("no spelling", f"that ends in the point of {Chem.MolToSmiles(mol)}")


def _spelled(mol: Chem.Mol, root: int, ranks: np.ndarray) -> str:
    """A SMILES that starts at an atom and visits atoms of low rank first where there is a choice."""
    order = np.argsort(ranks)
    start = int(np.flatnonzero(order == root)[0])
    return Chem.MolToSmiles(Chem.RenumberAtoms(mol, order.tolist()), canonical=False, rootedAtAtom=start)


def _dummy(mol: Chem.Mol) -> int:
    return next(atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0)


def _is_point(atom: Chem.Atom) -> bool:
    return bool(atom.GetAtomicNum() == 0 and atom.GetAtomMapNum())


def _without_numbers(mol: Chem.Mol) -> Chem.Mol:
    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        atom.SetAtomMapNum(0)
    return plain
