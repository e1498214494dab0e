"""Which of many SMARTS patterns a molecule contains, with most of the searches ruled out beforehand.

A pattern can only match where each of its bonds finds a bond of fitting ends and order. Kinds of bonds recur (a few
hundred in drug-like chemistry), so which query bonds each kind can satisfy is worked out once and kept as bits of an
integer. What is left after this screen is searched by RDKit: the answer is exactly that of `HasSubstructMatch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.core.errors import InputError


@dataclass(frozen=True)
class _Atom:
    """What the screen knows of an atom of a molecule."""

    number: int
    aromatic: bool
    charge: int
    ring: bool
    hydrogens: int
    degree: int
    isotopes: bool  # whether any atom of the molecule has an isotope set


_AtomKey = tuple[int, bool, bool]  # RDKit's connectivity invariant (a hash of the rest), aromatic, isotopes
_BondKey = tuple[_AtomKey, _AtomKey, float]


def _in_rings(atom: _Atom, count: int) -> bool | None:
    """`R` (-1), `R0`, and `R2`, which the screen knows to be false only outside rings."""
    if count <= 0:
        return atom.ring == (count < 0)
    return None if atom.ring else False


# RDKit's names of the queries that the screen can judge; None, and every other name, counts as fulfilled.
_ATOM_LEAVES: dict[str, Callable[[_Atom, int], bool | None]] = {
    "AtomType": lambda atom, v: atom.number == v % 1000 and atom.aromatic == (v >= 1000),
    "AtomAtomicNum": lambda atom, v: atom.number == v,
    "AtomFormalCharge": lambda atom, v: atom.charge == v,
    "AtomIsAromatic": lambda atom, v: atom.aromatic == bool(v),
    "AtomIsAliphatic": lambda atom, v: atom.aromatic != bool(v),
    "AtomInRing": lambda atom, v: atom.ring == bool(v),
    "AtomInNRings": _in_rings,
    "AtomIsotope": lambda atom, v: None if atom.isotopes or v == 0 else False,
    "AtomHCount": lambda atom, v: atom.hydrogens == v,
    "AtomTotalDegree": lambda atom, v: atom.degree == v,
    "AtomExplicitDegree": lambda atom, v: atom.degree - atom.hydrogens == v,
}
_AROMATIC = 1.5  # order of an aromatic bond in RDKit's adjacency matrix
_ORDERS = {1: 1.0, 2: 2.0, 3: 3.0, int(Chem.BondType.AROMATIC): _AROMATIC}
_BOND_LEAVES: dict[str, Callable[[float, int], bool | None]] = {
    "BondOrder": lambda order, v: order == _ORDERS.get(v, order),
    "SingleOrAromaticBond": lambda order, v: (order in (1.0, _AROMATIC)) == bool(v),
}


@dataclass(frozen=True)
class _Query:
    """A query tree as RDKit describes it, judged from above: `allows` is False only where it cannot match."""

    name: str
    value: int | None
    negated: bool
    children: tuple[_Query, ...] = ()

    def allows(self, thing: Any, leaves: dict[str, Callable[[Any, int], bool | None]]) -> bool:
        if self.name.endswith("And") and not self.negated:
            return all(child.allows(thing, leaves) for child in self.children)
        if self.name.endswith("Or") and not self.negated:
            return any(child.allows(thing, leaves) for child in self.children)
        if self.value is None or self.name not in leaves:
            return True
        answer = leaves[self.name](thing, self.value)
        return answer is None or answer != self.negated


def _read_query(description: str) -> _Query:
    """The tree behind `DescribeQuery()`: one node a line, children two spaces further in."""
    lines = [(len(line) - len(line.lstrip()), line.split()) for line in description.splitlines() if line.strip()]

    def node(at: int) -> tuple[_Query, int]:
        depth, words = lines[at]
        number = words[1] if len(words) == 4 else ""
        value = int(number) if number.lstrip("-").isdigit() else None
        children, at = [], at + 1
        while at < len(lines) and lines[at][0] > depth:
            child, at = node(at)
            children.append(child)
        return _Query(words[0], value, "!=" in words, tuple(children)), at

    return node(0)[0] if lines else _Query("Null", None, False)


class Patterns:
    """A set of patterns (SMARTS or query molecules), searched together. Not to be shared between threads."""

    def __init__(self, patterns: Sequence[str | Chem.Mol]) -> None:
        self._queries = [_compile(pattern) if isinstance(pattern, str) else pattern for pattern in patterns]
        self._atoms: dict[str, int] = {}  # description of a query atom -> its number
        self._atom_queries: list[_Query] = []
        self._bonds: dict[tuple[int, int, str], int] = {}  # (end, end, description) of a query bond -> its number
        self._bond_queries: list[tuple[int, int, _Query]] = []
        self._needed = [self._needs(query) for query in self._queries]
        self._cycles = [_cycles(query) for query in self._queries]
        self._atom_bits: dict[_AtomKey, int] = {}
        self._bond_bits: dict[_BondKey, int] = {}

    def __len__(self) -> int:
        return len(self._queries)

    def matches(self, mol: Chem.Mol) -> list[int]:
        """Indices of the patterns that occur in `mol`, ascending."""
        return [i for i in self.candidates(mol) if mol.HasSubstructMatch(self._queries[i])]

    def candidates(self, mol: Chem.Mol) -> list[int]:
        """Indices of the patterns that the screen does not rule out, ascending."""
        offers = self._offers(mol)
        if offers is None:
            return list(range(len(self._queries)))
        cycles = _cycles(mol)
        return [
            i
            for i, (a, b) in enumerate(self._needed)
            if b & offers[1] == b and a & offers[0] == a and self._cycles[i] <= cycles
        ]

    def _needs(self, query: Chem.Mol) -> tuple[int, int]:
        """Bits of the query atoms and of the query bonds that a molecule must offer."""
        ends = [self._atom_number(atom.DescribeQuery()) for atom in query.GetAtoms()]
        of_atoms = of_bonds = 0
        for number in ends:
            of_atoms |= 1 << number
        for bond in query.GetBonds():
            key = (ends[bond.GetBeginAtomIdx()], ends[bond.GetEndAtomIdx()], bond.DescribeQuery())
            if key not in self._bonds:
                self._bonds[key] = len(self._bond_queries)
                self._bond_queries.append((key[0], key[1], _read_query(key[2])))
            of_bonds |= 1 << self._bonds[key]
        return of_atoms, of_bonds

    def _atom_number(self, description: str) -> int:
        if description not in self._atoms:
            self._atoms[description] = len(self._atom_queries)
            self._atom_queries.append(_read_query(description))
        return self._atoms[description]

    def _offers(self, mol: Chem.Mol) -> tuple[int, int] | None:
        """Bits of the query atoms and query bonds that some atom or bond of `mol` may fulfil; None if unknown.

        Unknown are molecules with hydrogen atoms (the invariant counts them otherwise) and bonds of order zero.
        """
        orders = Chem.GetAdjacencyMatrix(mol, useBO=True)
        begins, ends = np.nonzero(np.triu(orders))
        if mol.GetNumHeavyAtoms() != mol.GetNumAtoms() or len(begins) != mol.GetNumBonds():
            return None
        isotopes = "[" in rdMolDescriptors.CalcMolFormula(mol, separateIsotopes=True, abbreviateHIsotopes=False)
        aromatic = (orders == _AROMATIC).any(axis=1).tolist()
        keys: list[_AtomKey] = [
            (invariant, flag, isotopes)
            for invariant, flag in zip(rdMolDescriptors.GetConnectivityInvariants(mol), aromatic, strict=True)
        ]
        atoms = bonds = 0
        for index, key in enumerate(keys):
            if key not in self._atom_bits:
                self._atom_bits[key] = self._bits_of_atom(mol.GetAtomWithIdx(index), isotopes)
            atoms |= self._atom_bits[key]
        values = orders[begins, ends].tolist()
        for begin, end, order in zip(begins.tolist(), ends.tolist(), values, strict=True):
            bond = (keys[begin], keys[end], order)
            found = self._bond_bits.get(bond)
            bonds |= self._bits_of_bond(bond) if found is None else found
        return atoms, bonds

    def _bits_of_atom(self, atom: Chem.Atom, isotopes: bool) -> int:
        known = _Atom(
            atom.GetAtomicNum(),
            atom.GetIsAromatic(),
            atom.GetFormalCharge(),
            atom.IsInRing(),
            atom.GetTotalNumHs(),
            atom.GetTotalDegree(),
            isotopes,
        )
        return sum(1 << i for i, query in enumerate(self._atom_queries) if query.allows(known, _ATOM_LEAVES))

    def _bits_of_bond(self, key: _BondKey) -> int:
        begin, end, bits = self._atom_bits[key[0]], self._atom_bits[key[1]], 0
        for i, (a, b, query) in enumerate(self._bond_queries):
            fits = (begin >> a & 1 and end >> b & 1) or (begin >> b & 1 and end >> a & 1)
            if fits and query.allows(key[2], _BOND_LEAVES):
                bits |= 1 << i
        self._bond_bits[key] = bits
        return bits


def _compile(smarts: str) -> Chem.Mol:
    query = Chem.MolFromSmarts(smarts)
    if query is None:
        raise InputError(f"{smarts!r}: not a SMARTS pattern; check its syntax")
    return query


def _cycles(mol: Chem.Mol) -> int:
    """Independent cycles of the graph: bonds - atoms + components. A part of a molecule has no more than the whole."""
    return int(mol.GetNumBonds() - mol.GetNumAtoms() + len(Chem.GetMolFrags(mol)))
