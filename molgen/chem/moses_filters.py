"""The filters of the MOSES benchmark: does a molecule look as its data set was cleaned to look?

A molecule passes if it has no ring of eight atoms or more, no charge on any atom, no element but C, N, S, O, F, Cl, Br
and H, and none of 22 medicinal-chemistry motifs (MCF) and 480 PAINS (`moses_filters.csv`: the patterns as the benchmark
has them, of which 17 differ from those of newer collections). Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644.

The patterns are written for molecules with all hydrogens as atoms and are matched on those. Most searches are ruled
out before, on the molecule without them (`molgen.chem.substructures`).
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from rdkit import Chem

from molgen.chem.environments import Kind, Sketch, sketch
from molgen.chem.queries import ATOM_LEAVES, read_atom
from molgen.chem.substructures import Patterns

ELEMENTS = frozenset({1, 6, 7, 8, 9, 16, 17, 35})
LARGE_RING = 8
HYDROGEN = Kind(number=1, aromatic=False, charge=0, hydrogens=0, degree=1, rings=0)


def passes(mol: Chem.Mol, drawn: Sketch | None = None) -> bool:
    """Whether a sanitized molecule passes. `drawn` is its sketch, if it is known already."""
    if any(len(ring) >= LARGE_RING for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() or atom.GetAtomicNum() not in ELEMENTS for atom in mol.GetAtoms()):
        return False
    whole, (queries, screen) = Chem.AddHs(mol), _patterns()
    return not any(whole.HasSubstructMatch(queries[i]) for i in screen.candidates(drawn or sketch(mol)))


@cache
def _patterns() -> tuple[list[Chem.Mol], Patterns]:
    """The patterns, and a screen for molecules without hydrogen atoms that rules most of them out."""
    with files("molgen.chem").joinpath("moses_filters.csv").open(encoding="utf-8") as stream:
        queries = [Chem.MolFromSmarts(row["smarts"]) for row in csv.DictReader(stream)]
    return queries, Patterns([_without_hydrogens(query) for query in queries])


def _without_hydrogens(query: Chem.Mol) -> Chem.Mol:
    """What a pattern asks of heavy atoms: hydrogens become counts on their neighbours, what could be one is left out.

    A molecule with the pattern has this weaker one in any case.
    """
    weaker = Chem.RWMol(Chem.MergeQueryHs(query))
    for atom in reversed(list(weaker.GetAtoms())):
        if read_atom(atom.DescribeQuery(), atom.GetSmarts()).allows(HYDROGEN, ATOM_LEAVES):
            weaker.RemoveAtom(atom.GetIdx())
    return weaker.GetMol()
