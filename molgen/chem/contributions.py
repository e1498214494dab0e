"""Properties that add up over atoms, remembered by environment: logP, hydrogen bonds, rotatable bonds.

RDKit finds an atom's contribution by searching the whole molecule for each of a long list of patterns. None of the
patterns used here looks further than an `Environment` reaches, so what RDKit says of an environment the first time it
appears holds wherever it appears again. Sums run in RDKit's order, so that they are equal to the last bit.

Patterns: Wildman and Crippen, J. Chem. Inf. Comput. Sci. 39:868 (1999) for logP; the rest as RDKit defines them.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem import QED, Lipinski, rdMolDescriptors

from molgen.chem.environments import SINGLE, Sketch

MAX_ATOMS = 41  # RDKit stops after 1,000 matches of a pattern, and a pattern matches at an atom in 4! ways at most

# Acceptors as Lipinski.cpp has them; the constant of rdkit.Chem.Lipinski is an older one.
_ACCEPTOR = (
    "[$([O,S;H1;v2]-[!$(*=[O,N,P,S])]),$([O,S;H0;v2]),$([O,S;-]),$([N;v3;!$(N-*=!@[O,N,P,S])]),$([nH0X2,o,s;+0])]"
)
# RDKit's strict definition of a rotatable bond, from Lipinski.cpp: its two ends, of which the first excludes more
# (the bonds of amides, esters and their like).
_END = "!$(*#*)&!D1&!$(C(F)(F)F)&!$(C(Cl)(Cl)Cl)&!$(C(Br)(Br)Br)&!$(C([CH3])([CH3])[CH3])&!$([CH3])"
_FIRST_END = (
    f"{_END}&!$([CD3](=[N,O,S])-!@[#7,O,S!D1])&!$([#7,O,S!D1]-!@[CD3]=[N,O,S])"
    "&!$([CD3](=[N+])-!@[#7!D1])&!$([#7!D1]-!@[CD3]=[N+])"
)


class Contribution(NamedTuple):
    """What one atom adds. `hydrogens` is the logP of each hydrogen on it; the ends are those of a rotatable bond."""

    logp: float
    hydrogens: tuple[float, ...]
    donors: int
    acceptors: int
    qed_acceptors: int
    aliphatic: bool  # QED takes the atom out before it counts aromatic rings
    first_end: bool
    end: bool


class Totals(NamedTuple):
    """The sums over a molecule, and the atoms that QED takes out before it counts aromatic rings."""

    logp: float
    donors: int
    acceptors: int
    qed_acceptors: int
    rotatable: int
    aliphatic: list[int]


_known: dict[int, Contribution] = {}


def totals(mol: Chem.Mol, drawn: Sketch | None) -> Totals:
    """The sums for a molecule whose sketch is `drawn`; without one, and for a large one, RDKit itself is asked."""
    if drawn is None or len(drawn.environments) > MAX_ATOMS:
        return _asked(mol)
    try:
        atoms = [_known[environment] for environment in drawn.environments]
    except KeyError:
        _learn(mol, drawn)
        atoms = [_known[environment] for environment in drawn.environments]
    logp = 0.0
    for atom in atoms:
        logp += atom.logp
    for atom in atoms:
        for hydrogen in atom.hydrogens:
            logp += hydrogen
    return Totals(
        logp,
        sum([atom.donors for atom in atoms]),
        sum([atom.acceptors for atom in atoms]),
        sum([atom.qed_acceptors for atom in atoms]),
        _rotatable(atoms, drawn),
        [index for index, atom in enumerate(atoms) if atom.aliphatic],
    )


def _asked(mol: Chem.Mol) -> Totals:
    """The sums from RDKit's own functions."""
    strict = rdMolDescriptors.NumRotatableBondsOptions.Strict
    return Totals(
        float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]),
        int(rdMolDescriptors.CalcNumHBD(mol)),
        int(rdMolDescriptors.CalcNumHBA(mol)),
        sum(len(mol.GetSubstructMatches(query)) for query in QED.Acceptors),
        int(rdMolDescriptors.CalcNumRotatableBonds(mol, strict)),
        [match[0] for match in mol.GetSubstructMatches(QED.AliphaticRings)],
    )


def _rotatable(atoms: list[Contribution], drawn: Sketch) -> int:
    """Single bonds outside rings of which one atom is an end and the other a first end."""
    return sum(
        1
        for begin, end, code in zip(drawn.begins, drawn.ends, drawn.codes, strict=True)
        if code == SINGLE
        and begin < end
        and ((atoms[begin].first_end and atoms[end].end) or (atoms[begin].end and atoms[end].first_end))
    )


def _learn(mol: Chem.Mol, drawn: Sketch) -> None:
    """Asks RDKit about each atom of a molecule and remembers the answers."""
    with_hydrogens = Chem.AddHs(mol)
    logp = [value for value, _ in rdMolDescriptors._CalcCrippenContribs(with_hydrogens)]
    of_hydrogens: list[list[float]] = [[] for _ in drawn.environments]
    for atom in range(len(of_hydrogens), len(logp)):
        of_hydrogens[with_hydrogens.GetAtomWithIdx(atom).GetNeighbors()[0].GetIdx()].append(logp[atom])
    counts = [
        Counter(match[0] for query in queries for match in mol.GetSubstructMatches(query)) for queries in _queries()
    ]
    for atom, environment in enumerate(drawn.environments):
        donors, acceptors, qed_acceptors, aliphatic, first_end, end = (found[atom] for found in counts)
        _known[environment] = Contribution(
            logp[atom],
            tuple(of_hydrogens[atom]),
            donors,
            acceptors,
            qed_acceptors,
            aliphatic > 0,
            first_end > 0,
            end > 0,
        )


@cache
def _queries() -> list[list[Chem.Mol]]:
    """The patterns of one atom behind each count, in the order of `Contribution`."""
    acceptor, first_end, end = map(Chem.MolFromSmarts, (_ACCEPTOR, f"[{_FIRST_END}]", f"[{_END}]"))
    return [[Lipinski.HDonorSmarts], [acceptor], list(QED.Acceptors), [QED.AliphaticRings], [first_end], [end]]
