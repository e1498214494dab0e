"""Which of many SMARTS patterns a molecule contains, with most of the searches ruled out beforehand.

A pattern can only match where each of its atoms finds an atom whose neighbourhood (kind, bonds, kinds of neighbours)
offers what the pattern's asks for. Neighbourhoods recur (`molgen.chem.environments`), so what each can satisfy is
worked out once and kept as bits of an integer. What is left after this screen is searched by RDKit: the answer is
exactly that of `HasSubstructMatch`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rdkit import Chem

from molgen.chem.environments import ENVIRONMENTS, IN_RING, KINDS, Sketch
from molgen.chem.queries import ATOM_LEAVES, BOND_LEAVES, read_atom, read_query
from molgen.core.errors import InputError


class _Wish(NamedTuple):
    """What a pattern's atom asks of an environment: a query atom, bits of its bonds, of those it has twice, ..."""

    atom: int
    bonds: int
    repeated: tuple[int, ...]


class _BondKey(NamedTuple):
    """A pattern's bond as one of its atoms sees it: both atoms, RDKit's description, whether in a ring."""

    near: int
    text: str
    ring: bool
    far: int


class _OfKind(NamedTuple):
    """What a kind of atom may fulfil: query atoms, and bits of the query bonds that have one at their near, far end."""

    atoms: list[int]
    near: int
    far: int


class Patterns:
    """A set of patterns (SMARTS or query molecules), searched together. Not to be shared between threads."""

    def __init__(self, patterns: Sequence[str | Chem.Mol]) -> None:
        self._queries = [_compile(pattern) if isinstance(pattern, str) else pattern for pattern in patterns]
        self._atoms: dict[tuple[str, str], int] = {}  # description and SMARTS of a query atom -> its number
        self._bonds: dict[_BondKey, int] = {}  # -> its number
        self._wishes: dict[_Wish, int] = {}  # -> its number
        rings = [[len(ring) for ring in Chem.GetSymmSSSR(query)] for query in self._queries]
        wished = [self._wishes_of(query) for query in self._queries]
        self._atom_queries = [read_atom(*key) for key in self._atoms]
        self._wishes_at: list[list[tuple[int, int, tuple[int, ...]]]] = [[] for _ in self._atoms]
        for place, wish in enumerate(self._wishes):
            self._wishes_at[wish.atom].append((place, wish.bonds, wish.repeated))
        self._needed = [_bits(set(numbers)) for numbers in wished]
        # A pattern is only looked at where its least common wish is fulfilled; a pattern without atoms always.
        uses = Counter(number for numbers in wished for number in set(numbers))
        self._patterns_of = [0] * len(self._wishes)
        self._always = 0
        for pattern, numbers in enumerate(wished):
            if numbers:
                self._patterns_of[min(numbers, key=lambda number: (uses[number], number))] |= 1 << pattern
            else:
                self._always |= 1 << pattern
        self._rings = [(min(sizes, default=0), _cycles(q)) for sizes, q in zip(rings, self._queries, strict=True)]
        self._of_rings: dict[tuple[int, int], int] = {}
        self._of_kind: dict[int, _OfKind] = {}
        self._of_code: dict[int, int] = {}
        self._of_environment: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._queries)

    def matches(self, mol: Chem.Mol, drawn: Sketch | None) -> list[int]:
        """Indices of the patterns that occur in `mol`, whose sketch is `drawn`, ascending."""
        return [i for i in self.candidates(drawn) if mol.HasSubstructMatch(self._queries[i])]

    def candidates(self, drawn: Sketch | None) -> list[int]:
        """Indices of the patterns that the screen does not rule out, ascending: all of them without a sketch."""
        if drawn is None:
            return list(range(len(self._queries)))
        offered, possible = 0, self._always
        for environment in set(drawn.environments):
            known = self._of_environment.get(environment) or self._learn(environment)
            offered |= known[0]
            possible |= known[1]
        possible &= self._fitting([len(ring) for ring in drawn.rings])
        return [i for i in _places(possible) if self._needed[i] & offered == self._needed[i]]

    def _wishes_of(self, query: Chem.Mol) -> list[int]:
        """The numbers of the wishes of a pattern's atoms."""
        ends = [_number(self._atoms, (atom.DescribeQuery(), atom.GetSmarts())) for atom in query.GetAtoms()]
        found = []
        for atom in query.GetAtoms():
            near = ends[atom.GetIdx()]
            bonds = Counter(
                _number(self._bonds, _BondKey(near, bond.DescribeQuery(), bond.IsInRing(), ends[_other(bond, atom)]))
                for bond in atom.GetBonds()
            )
            most = max(bonds.values(), default=0)
            repeated = tuple(_bits(b for b, count in bonds.items() if count >= times) for times in range(2, most + 1))
            found.append(_number(self._wishes, _Wish(near, _bits(bonds), repeated)))
        return found

    def _learn(self, number: int) -> tuple[int, int]:
        """Bits of the wishes that an environment may fulfil, and of the patterns to look at because of it."""
        environment = ENVIRONMENTS[number]
        own = self._kind(environment.kind)
        any_bond = 0  # bits of the query bonds that any of the bonds may fulfil
        levels: list[int] = []  # and of those that at least 2, 3, ... of them may
        for code, kind in environment.bonds:
            carried = own.near & self._code(code) & self._kind(kind).far
            any_bond, carried = any_bond | carried, any_bond & carried
            for level, bits in enumerate(levels):
                levels[level], carried = bits | carried, bits & carried
            levels.append(carried)
        wishes = patterns = 0
        for atom in own.atoms:
            for place, bonds, repeated in self._wishes_at[atom]:
                if bonds & any_bond == bonds and _covered(repeated, levels):
                    wishes |= 1 << place
                    patterns |= self._patterns_of[place]
        self._of_environment[number] = wishes, patterns
        return wishes, patterns

    def _fitting(self, sizes: list[int]) -> int:
        """Bits of the patterns whose rings a molecule may have, by the sizes of its own.

        A ring of a pattern lies on a cycle as large, and no cycle is smaller than the smallest ring.
        """
        key = min(sizes, default=0), len(sizes)
        if key not in self._of_rings:
            self._of_rings[key] = _bits(
                i
                for i, (smallest, cycles) in enumerate(self._rings)
                if cycles <= key[1] and (not smallest or smallest >= key[0])
            )
        return self._of_rings[key]

    def _kind(self, number: int) -> _OfKind:
        """What a kind of atom may fulfil."""
        if number not in self._of_kind:
            atoms = {i for i, query in enumerate(self._atom_queries) if query.allows(KINDS[number], ATOM_LEAVES)}
            near = _bits(i for i, bond in enumerate(self._bonds) if bond.near in atoms)
            far = _bits(i for i, bond in enumerate(self._bonds) if bond.far in atoms)
            self._of_kind[number] = _OfKind(sorted(atoms), near, far)
        return self._of_kind[number]

    def _code(self, code: int) -> int:
        """Bits of the query bonds that a bond of this code may fulfil, whatever its atoms."""
        if code not in self._of_code:
            self._of_code[code] = _bits(
                i
                for i, bond in enumerate(self._bonds)
                if (not bond.ring or code >= IN_RING) and read_query(bond.text).allows(code, BOND_LEAVES)
            )
        return self._of_code[code]


def _number(numbers: dict[Any, int], thing: Any) -> int:
    """The number of a thing, which is the next one if it is new."""
    return numbers.setdefault(thing, len(numbers))


def _covered(wanted: Sequence[int], offered: Sequence[int]) -> bool:
    """Whether the bits wanted once more at each level are offered there."""
    return len(wanted) <= len(offered) and all(bits & more == bits for bits, more in zip(wanted, offered, strict=False))


def _bits(places: Iterable[int]) -> int:
    """An integer with the bits at some places set."""
    found = 0
    for place in places:
        found |= 1 << place
    return found


def _places(bits: int) -> Iterator[int]:
    """The places of the bits that are set, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _other(bond: Chem.Bond, atom: Chem.Atom) -> int:
    return int(bond.GetOtherAtomIdx(atom.GetIdx()))


def _cycles(query: Chem.Mol) -> int:
    """Independent cycles of the graph: bonds - atoms + components. A part of a molecule has no more than the whole."""
    return int(query.GetNumBonds() - query.GetNumAtoms() + len(Chem.GetMolFrags(query)))


def _compile(smarts: str) -> Chem.Mol:
    query = Chem.MolFromSmarts(smarts)
    if query is None:
        raise InputError(f"{smarts!r}: not a SMARTS pattern; check its syntax")
    return query
