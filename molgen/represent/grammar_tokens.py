"""What each token of a vocabulary may do in a SMILES: its kind, and how many bonds an atom takes, asked of RDKit once.

Bonds are counted in halves, so that an aromatic bond (RDKit counts 1.5) is a whole number: single 2, aromatic 3,
double 4, triple 6.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

from molgen.core.errors import InputError
from molgen.represent.tokens import EOS, SPECIAL, Vocabulary

NEVER, ATOM, BOND, OPEN, CLOSE, RING, END = range(7)
UNWRITTEN, SINGLE, DOUBLE, TRIPLE = range(4)  # unwritten: aromatic between aromatic atoms, otherwise single
BONDS = {"/": UNWRITTEN, "\\": UNWRITTEN, "-": SINGLE, "=": DOUBLE, "#": TRIPLE}  # a direction says no order
FILLER = "C"  # what open branches and rings can always be closed with

_MOST = 8  # bonds of an atom whose number RDKit does not limit (`*`, many metals)
_AROMATIC_NEIGHBOURS = 3  # an aromatic atom is flat: hydrogens and neighbours together
_AROMATIC_BONDS = ((3, 3), (3, 3, 2), (3, 3, 4), (3, 3, 3))  # in rings two or three, or two and one to outside
_ORDERS = {2: Chem.BondType.SINGLE, 3: Chem.BondType.AROMATIC, 4: Chem.BondType.DOUBLE}
_AS_WRITTEN: Any = Chem.SmilesParserParams()
_AS_WRITTEN.sanitize = False
_AS_WRITTEN.removeHs = False


class TokenTable:
    """Arrays over the vocabulary. Only atoms have `limit` to `double`; only bonds `order`.

    limit        (vocabulary,) half bonds that the atom's valence allows, its written hydrogens taken off
    neighbours   (vocabulary,) atoms that it can be bonded to
    outside      (vocabulary,) highest order of a bond that is not aromatic
    aromatic     (vocabulary,) written in lower case
    double       (vocabulary, neighbours) whether an aromatic atom with so many neighbours has a double bond in
                 the ring (`c`, and `n` with two neighbours, but not `o` or `n` with three)
    order        (vocabulary,) 0 to 3
    ring         (vocabulary,) place of a ring number among those of the vocabulary
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        size = len(vocabulary)
        self.kind = np.full(size, NEVER, np.int8)
        self.limit = np.zeros(size, np.int8)
        self.neighbours = np.zeros(size, np.int8)
        self.outside = np.full(size, TRIPLE, np.int8)
        self.aromatic = np.zeros(size, bool)
        self.double = np.zeros((size, _MOST + 3), bool)  # read for up to two neighbours more than an atom has
        self.order = np.zeros(size, np.int8)
        self.ring = np.zeros(size, np.int8)
        self.rings = 0
        self.kind[EOS] = END
        for i, token in enumerate(vocabulary.tokens[len(SPECIAL) :], len(SPECIAL)):
            self._read(i, token)
        if FILLER not in vocabulary.tokens:
            raise InputError(f"grammar: the vocabulary has no {FILLER!r}; this model can only be drawn without grammar")
        self.filler = vocabulary.tokens.index(FILLER)

    def _read(self, i: int, token: str) -> None:
        if token in BONDS:
            self.kind[i], self.order[i] = BOND, BONDS[token]
        elif token in "()":
            self.kind[i] = OPEN if token == "(" else CLOSE
        elif token.isdigit() or token[0] == "%":
            self.kind[i], self.ring[i] = RING, self.rings
            self.rings += 1
        else:
            mol = Chem.MolFromSmiles(token, _AS_WRITTEN)
            if mol is not None and mol.GetNumAtoms() == 1:
                self._read_atom(i, mol.GetAtomWithIdx(0))

    def _read_atom(self, i: int, atom: Chem.Atom) -> None:
        self.kind[i] = ATOM
        if atom.GetIsAromatic():
            self.aromatic[i] = True
            found = [bonds for bonds in _AROMATIC_BONDS if _aromatic_allows(atom, bonds)]
            self.limit[i] = max((sum(bonds) for bonds in found), default=0)
            self.neighbours[i] = max(map(len, found), default=0)
            self.outside[i] = DOUBLE if (3, 3, 4) in found else SINGLE
            for count in range(2, _AROMATIC_NEIGHBOURS + 1):
                self.double[i, count] = _has_double_bond(atom, count)
        else:
            most = max(n for n in range(_MOST + 1) if n == 0 or _valence_allows(atom, (2,) * n))
            self.limit[i], self.neighbours[i] = 2 * most, most


class Columns(NamedTuple):
    """Tokens that no rule tells apart share a column of the mask: a kind of atom, an order of bond, a ring number."""

    of_token: np.ndarray  # (vocabulary,)
    first: np.ndarray  # (columns,) a token of each
    at: dict[int, slice]  # the columns of each kind
    atoms: tuple[np.ndarray, ...]  # limit, neighbours, outside, aromatic of each kind of atom
    orders: np.ndarray  # of each order of bond
    filler: int  # among the kinds of atom

    @classmethod
    def of(cls, table: TokenTable) -> Columns:
        double = table.double[:, 2] + 2 * table.double[:, 3]
        of_atom = (table.aromatic, table.limit, table.neighbours, table.outside, double)
        keys = np.stack([table.kind, table.order, table.ring, *of_atom], axis=1)
        columns, first, of_token = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        edges = np.searchsorted(columns[:, 0], np.arange(END + 2))
        at = {kind: slice(int(edges[kind]), int(edges[kind + 1])) for kind in range(END + 1)}
        atoms = first[at[ATOM]]
        of_token = of_token.ravel()
        return cls(
            of_token,
            first,
            at,
            (table.limit[atoms], table.neighbours[atoms], table.outside[atoms], table.aromatic[atoms]),
            table.order[first[at[BOND]]],
            int(of_token[table.filler]) - at[ATOM].start,
        )


def _aromatic_allows(atom: Chem.Atom, bonds: tuple[int, ...]) -> bool:
    """Whether an aromatic atom may have these bonds; a double bond to outside is tried in whole rings."""
    if len(bonds) + atom.GetNumExplicitHs() > _AROMATIC_NEIGHBOURS or not _valence_allows(atom, bonds):
        return False
    return 4 not in bonds or _kekulizes(atom, 4, (4,)) or _kekulizes(atom, 5, (4,))


def _valence_allows(atom: Chem.Atom, bonds: tuple[int, ...]) -> bool:
    """Whether RDKit's valence check passes an atom with these bonds."""
    mol = Chem.RWMol()
    mol.AddAtom(atom)
    for halves in bonds:
        mol.AddBond(0, mol.AddAtom(Chem.Atom(6)), _ORDERS[halves])
    try:
        mol.GetAtomWithIdx(0).UpdatePropertyCache(strict=True)
    except Chem.AtomValenceException:
        return False
    return True


def _has_double_bond(atom: Chem.Atom, neighbours: int) -> bool:
    """Whether this atom takes part in a double bond of its ring: then it kekulizes in a ring of six, not of five."""
    outside = (2,) * (neighbours - 2)
    return _kekulizes(atom, 5, outside) and not _kekulizes(atom, 4, outside)


def _kekulizes(atom: Chem.Atom, others: int, outside: tuple[int, ...]) -> bool:
    """Whether a ring of this atom and `others` aromatic carbons is a molecule."""
    mol = Chem.RWMol()
    mol.AddAtom(atom)
    for _ in range(others):
        carbon = Chem.Atom(6)
        carbon.SetIsAromatic(True)
        mol.AddAtom(carbon)
    for i in range(others + 1):
        mol.AddBond(i, (i + 1) % (others + 1), Chem.BondType.AROMATIC)
        mol.GetBondBetweenAtoms(i, (i + 1) % (others + 1)).SetIsAromatic(True)
    for halves in outside:
        mol.AddBond(0, mol.AddAtom(Chem.Atom(6)), _ORDERS[halves])
    return bool(Chem.SanitizeMol(mol, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE)
