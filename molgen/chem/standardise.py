"""Standardisation: one neutral fragment of what a file holds. RDKit's MolStandardize, asked only where it applies."""

from __future__ import annotations

import re
from functools import cache

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from molgen.chem.parse import parse

_CHARGE = re.compile(r"\[[^\]]*[+-]")  # a charged atom in a SMILES; outside brackets a dash is a bond


def standardise(
    mol: Chem.Mol, *, largest_fragment: bool = True, neutralise: bool = True, drop_stereo: bool = False
) -> tuple[Chem.Mol, str]:
    """The standardised molecule and its canonical SMILES.

    Fragments: the one with most atoms (then heaviest, then first by SMILES). Charges: protons are added or removed
    where that is enough; quaternary nitrogen, nitro groups and N-oxides stay. Isotopes are kept. A molecule that was
    changed is read anew from its SMILES, so that nothing of the old one (rings, stereo marks) lingers; BadMolecule if
    that fails.
    """
    text = Chem.MolToSmiles(mol)
    changed = False
    if largest_fragment and "." in text:
        mol, changed = _fragment_chooser().choose(mol), True
    if neutralise and _CHARGE.search(text):
        mol, changed = _uncharger().uncharge(mol), True
    if drop_stereo and any(mark in text for mark in "@/\\"):
        if not changed:
            mol = Chem.Mol(mol)
        Chem.RemoveStereochemistry(mol)
        changed = True
    if changed:
        mol = parse(Chem.MolToSmiles(mol))
        text = Chem.MolToSmiles(mol)
    return mol, text


@cache
def _fragment_chooser() -> rdMolStandardize.LargestFragmentChooser:
    return rdMolStandardize.LargestFragmentChooser()


@cache
def _uncharger() -> rdMolStandardize.Uncharger:
    return rdMolStandardize.Uncharger()
