"""SMARTS atoms and bonds judged from above: whether an atom or bond of a known kind could ever match one.

RDKit describes the queries of a pattern as a tree of named tests. Tests on what `molgen.chem.environments` knows are
evaluated; every other counts as fulfilled. So "no" is certain and "yes" means: search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rdkit import Chem

from molgen.chem.environments import AROMATIC, DOUBLE, IN_RING, SINGLE, TRIPLE, Kind

# RDKit's names of the queries that the screen can judge; every other name counts as fulfilled.
ATOM_LEAVES: dict[str, Callable[[Kind, int], bool]] = {
    "AtomType": lambda atom, v: atom.number == v % 1000 and atom.aromatic == (v >= 1000),
    "AtomAtomicNum": lambda atom, v: atom.number == v,
    "AtomFormalCharge": lambda atom, v: atom.charge == v,
    "AtomIsAromatic": lambda atom, v: atom.aromatic == bool(v),
    "AtomIsAliphatic": lambda atom, v: atom.aromatic != bool(v),
    "AtomInRing": lambda atom, v: (atom.rings > 0) == bool(v),
    "AtomInNRings": lambda atom, v: atom.rings == v if v >= 0 else atom.rings > 0,
    "AtomIsotope": lambda atom, v: v == 0,  # a molecule with isotopes has no sketch
    "AtomHCount": lambda atom, v: atom.hydrogens == v,
    "AtomTotalDegree": lambda atom, v: atom.degree == v,
    "AtomExplicitDegree": lambda atom, v: atom.degree - atom.hydrogens == v,
}
_ORDERS = {1: SINGLE, 2: DOUBLE, 3: TRIPLE, int(Chem.BondType.AROMATIC): AROMATIC}
BOND_LEAVES: dict[str, Callable[[int, int], bool]] = {
    "BondOrder": lambda code, v: code & 7 == _ORDERS.get(v, 0),
    "SingleOrAromaticBond": lambda code, v: (code & 7 in (SINGLE, AROMATIC)) == bool(v),
    "BondInRing": lambda code, v: (code >= IN_RING) == bool(v),
}


_RECURSION = ["RecursiveStructure", "val", "in", "()"]


@dataclass(frozen=True)
class Query:
    """A query tree as RDKit describes it, judged from above: `allows` is False only where it cannot match."""

    name: str
    value: int | None
    negated: bool
    children: tuple[Query, ...] = ()

    def allows(self, thing: Any, leaves: dict[str, Callable[[Any, int], bool]]) -> bool:
        if self.name.endswith("And") and not self.negated:
            return all(child.allows(thing, leaves) for child in self.children)
        if self.name.endswith("Or") and not self.negated:
            return any(child.allows(thing, leaves) for child in self.children)
        if self.value is None or self.name not in leaves:
            return True
        return leaves[self.name](thing, self.value) != self.negated


def read_query(description: str, starts: tuple[Query, ...] = ()) -> Query:
    """The tree behind `DescribeQuery()`: one node a line, children two spaces further in.

    Recursive SMARTS are not in it; `starts` is what the first atom of each asks. Which is which is not told, so each
    of them counts as fulfilled where any is.
    """
    lines = [(len(line) - len(line.lstrip()), line.split()) for line in description.splitlines() if line.strip()]

    def node(at: int) -> tuple[Query, int]:
        depth, words = lines[at]
        if words == _RECURSION and starts:
            return Query("StartOr", None, False, starts), at + 1
        number = words[1] if len(words) == 4 else ""
        value = int(number) if number.lstrip("-").isdigit() else None
        children, at = [], at + 1
        while at < len(lines) and lines[at][0] > depth:
            child, at = node(at)
            children.append(child)
        return Query(words[0], value, "!=" in words, tuple(children)), at

    return node(0)[0] if lines else Query("Null", None, False)


def read_atom(description: str, smarts: str) -> Query:
    """A query atom: its description, and what its recursive SMARTS begin with."""
    starts = [Chem.MolFromSmarts(text).GetAtomWithIdx(0) for text in _recursions(smarts)]
    return read_query(description, tuple(read_atom(atom.DescribeQuery(), atom.GetSmarts()) for atom in starts))


def _recursions(smarts: str) -> list[str]:
    """What stands within each outermost `$(...)`."""
    found, start, depth = [], 0, 0
    for place, letter in enumerate(smarts):
        if letter == "(":
            if depth == 0:
                start = place + 1
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                found.append(smarts[start:place])
    return found
