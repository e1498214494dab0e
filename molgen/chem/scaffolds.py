"""Murcko scaffolds: the rings of a molecule and what links them (Bemis and Murcko, J. Med. Chem. 39:2887, 1996)."""

from __future__ import annotations

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
