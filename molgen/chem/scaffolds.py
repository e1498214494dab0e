"""Murcko scaffolds: the rings of a molecule and what links them (Bemis and Murcko, J. Med. Chem. 39:2887, 1996)."""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold


def murcko(mol: Chem.Mol) -> str:
    """Canonical SMILES of the scaffold, without stereo; "" for a molecule without rings.

    RDKit's variant: atoms double-bonded to the scaffold belong to it.
    """
    if mol.GetRingInfo().NumRings() == 0:
        return ""
    scaffold: str = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol), isomericSmiles=False)
    return scaffold


def generic(mol: Chem.Mol) -> str:
    """Canonical SMILES of the generic scaffold, the paper's graph framework: every atom C, every bond single.

    "" for a molecule without rings. What is double-bonded to the scaffold does not belong to it, so that a ketone and
    its alcohol have one framework. The same as RDKit's scaffold of its generic scaffold, found by taking the ends of
    chains off until there are none.
    """
    bonds = Chem.GetAdjacencyMatrix(mol)
    degrees = bonds.sum(axis=0)
    while (ends := degrees == 1).any():
        bonds[ends] = bonds[:, ends] = 0
        degrees = bonds.sum(axis=0)
    atoms = np.flatnonzero(degrees)
    framework = Chem.RWMol()
    for _ in atoms:
        framework.AddAtom(Chem.Atom(6))
    for begin, end in np.argwhere(np.triu(bonds[np.ix_(atoms, atoms)])).tolist():
        framework.AddBond(begin, end, Chem.BondType.SINGLE)
    framework.UpdatePropertyCache(strict=False)
    Chem.GetSymmSSSR(framework)  # the canonical order asks for rings
    text: str = Chem.MolToSmiles(framework)
    return text
