"""Kinds of atoms and their surroundings: what answers that depend on a neighbourhood alone are remembered by.

Drug-like chemistry uses a few thousand surroundings over and over. A `Sketch` numbers those of a molecule's atoms, so
that what RDKit's slow searches said of a surrounding once need not be asked again (`contributions`), and so that most
patterns are ruled out without a search (`substructures`). A number stands for a full description, never for a hash of
one. Molecules with anything out of the ordinary have no sketch; whoever asks then turns to RDKit itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

MAX_RINGS = 20  # beyond, RDKit may give up finding the smallest ones
MAX_ENVIRONMENTS = 100_000  # remembered at most, to bound memory; 5,000 molecules of ZINC250k have 3,900

CARBON = 6
# Bonds as small numbers: the order, and 8 more in a ring.
SINGLE, DOUBLE, TRIPLE, AROMATIC, IN_RING = 1, 2, 3, 4, 8
_CODES = np.zeros(32, np.int64)  # by twice the order, itself 8 more in a ring
_CODES[[2, 3, 4, 6]] = SINGLE, AROMATIC, DOUBLE, TRIPLE
_CODES[16:] = _CODES[:16] + IN_RING
_ODD_BOND = Chem.MolFromSmarts("*!-;!=;!#;!:*")  # dative, quadruple, zero order, ...
_ORDINARY = re.compile(r"(?:(?:Br?|Cl?|[NOFPIH]|Si?|Se)\d*)+(?:[+-]\d*)?")


class Kind(NamedTuple):
    """An atom without its neighbours. `degree` counts hydrogens."""

    number: int
    aromatic: bool
    charge: int
    hydrogens: int
    degree: int
    rings: int

    @property
    def ordinary(self) -> bool:
        """Within the bounds for which it is known what shares RDKit's invariant with it."""
        return abs(self.charge) <= 2 and self.hydrogens <= 4 and self.degree <= 6


class Environment(NamedTuple):
    """An atom and its neighbours: its kind, and for each bond the bond's code and the kind at its other end."""

    kind: int
    bonds: tuple[tuple[int, int], ...]


class Sketch(NamedTuple):
    """A molecule as numbers: the environment of each atom, the bonds, and the atoms of each ring.

    Bond `i` goes from `begins[i]` to `ends[i]`; each stands there twice, once from either end, by ascending begin.
    """

    environments: list[int]
    begins: list[int]
    ends: list[int]
    codes: list[int]
    rings: tuple[tuple[int, ...], ...]


KINDS: list[Kind] = []
ENVIRONMENTS: list[Environment] = []
_NEW, _UNKNOWN = -1, -2
# RDKit's invariant, rings and aromaticity of an atom -> its place in KINDS, or _UNKNOWN.
_kind_numbers: dict[tuple[int, int], int] = {}
_environment_numbers: dict[tuple, int] = {}  # full description -> place in ENVIRONMENTS


def sketch(mol: Chem.Mol) -> Sketch | None:
    """The sketch of a sanitized molecule.

    None for isotopes, atoms of hydrogen or of elements beyond those of organic chemistry, uncommon bonds and charges.
    """
    formula = rdMolDescriptors.CalcMolFormula(mol, separateIsotopes=True, abbreviateHIsotopes=False)
    if mol.GetNumHeavyAtoms() != mol.GetNumAtoms() or not _is_ordinary(formula) or mol.HasSubstructMatch(_ODD_BOND):
        return None
    rings = mol.GetRingInfo().AtomRings()
    if len(rings) > MAX_RINGS:
        return None
    around = [atom for ring in rings for atom in ring]
    begins, ends, codes = _bonds(mol, around, [atom for ring in rings for atom in (*ring[1:], ring[0])])
    kinds = _kinds(mol, around, set(begins[codes & 7 == AROMATIC].tolist()))
    if kinds is None:
        return None
    near = (np.array(kinds)[ends] << 4 | codes).tolist()
    from_each = np.searchsorted(begins, np.arange(len(kinds) + 1)).tolist()
    lists = begins.tolist(), ends.tolist(), codes.tolist()
    environments = _environments(kinds, near, from_each, *lists)
    return None if environments is None else Sketch(environments, *lists, rings)


@lru_cache(maxsize=65_536)
def _is_ordinary(formula: str) -> bool:
    return _ORDINARY.fullmatch(formula) is not None


def _bonds(mol: Chem.Mol, around: list[int], onwards: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two atoms and the code of each bond, in the order of `Sketch`. Ring bonds go from `around` to `onwards`."""
    orders = Chem.GetAdjacencyMatrix(mol, useBO=True)
    orders[around + onwards, onwards + around] += IN_RING  # once, however many rings share the bond
    begins, ends = np.nonzero(orders)
    return begins, ends, _CODES[(orders[begins, ends] * 2).astype(np.int64)]


def _kinds(mol: Chem.Mol, around: list[int], aromatic: set[int]) -> list[int] | None:
    """The kind of each atom; None if one is not ordinary. `around` names an atom once for each ring it is in.

    Atoms are recognised by RDKit's invariant, a weak hash: among ordinary elements, an ordinary kind shares it with
    absurd ones whose charge is lower by 50 or more (tests/chem/test_environments.py). The total charge gives them away.
    """
    marks = [0] * mol.GetNumAtoms()
    for atom in around:
        marks[atom] += 2
    for atom in aromatic:
        marks[atom] += 1
    keys = list(zip(rdMolDescriptors.GetConnectivityInvariants(mol), marks, strict=True))
    kinds = [_kind_numbers.get(key, _NEW) for key in keys]
    if _NEW in kinds:
        for atom, key in enumerate(keys):
            if key not in _kind_numbers:
                _kind_numbers[key] = _new_kind(mol.GetAtomWithIdx(atom), key[1] // 2)
        kinds = [_kind_numbers[key] for key in keys]
    if _UNKNOWN in kinds or sum([KINDS[kind].charge for kind in kinds]) != Chem.GetFormalCharge(mol):
        return None
    return kinds


def _new_kind(atom: Chem.Atom, rings: int) -> int:
    kind = Kind(
        atom.GetAtomicNum(),
        atom.GetIsAromatic(),
        atom.GetFormalCharge(),
        atom.GetTotalNumHs(),
        atom.GetTotalDegree(),
        rings,
    )
    if not kind.ordinary:
        return _UNKNOWN
    KINDS.append(kind)
    return len(KINDS) - 1


def _environments(
    kinds: list[int], near: list[int], from_each: list[int], begins: list[int], ends: list[int], codes: list[int]
) -> list[int] | None:
    """The environment of each atom; None if one is new and no more are remembered.

    `near` is the kind and bond code at the end of each bond; the bonds of atom `i` are those from `from_each[i]` on.
    Beyond the neighbours, an environment knows what double bonds lead to and from: contributions of heteroatoms
    depend on them (amides, carbonyls and their like).
    """
    doubled = {begin for begin, code in zip(begins, codes, strict=True) if code & 7 == DOUBLE}
    found = []
    for atom, kind in enumerate(kinds):
        own = slice(from_each[atom], from_each[atom + 1])
        key: tuple = (kind, *sorted(near[own]))
        if KINDS[kind].number != CARBON and not doubled.isdisjoint(ends[own]):
            beyond = [
                tuple(
                    sorted(
                        (*KINDS[kinds[ends[far]]][:3], codes[far])
                        for far in range(from_each[end], from_each[end + 1])
                        if ends[far] != atom and DOUBLE in (code & 7, codes[far] & 7)
                    )
                )
                for end, code in zip(ends[own], codes[own], strict=True)
            ]
            key = (kind, *sorted(zip(near[own], beyond, strict=True)))
        number = _environment_numbers.get(key)
        if number is None:
            if len(ENVIRONMENTS) >= MAX_ENVIRONMENTS:
                return None
            number = _environment_numbers[key] = len(ENVIRONMENTS)
            bonds = tuple((code, kinds[end]) for end, code in zip(ends[own], codes[own], strict=True))
            ENVIRONMENTS.append(Environment(kind, bonds))
        found.append(number)
    return found
