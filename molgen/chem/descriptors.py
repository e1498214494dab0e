"""The property columns of a molecule, computed together in one pass that shares what they share.

Every value equals that of RDKit's own function (units in `docs/tables.md`).
"""

from __future__ import annotations

from collections.abc import Callable

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.chem.qed import qed
from molgen.chem.sa import sa, sa_from, stereocentres
from molgen.core.tables import PROPERTIES


def properties(mol: Chem.Mol) -> tuple[float, ...]:
    """The values of `PROPERTIES`, in its order, for a sanitized molecule with at least one atom."""
    weight, logp, tpsa = rdMolDescriptors._CalcMolWt(mol), _logp(mol), rdMolDescriptors.CalcTPSA(mol)
    donors, rotatable, centres = rdMolDescriptors.CalcNumHBD(mol), _rotatable_bonds(mol), stereocentres(mol)
    return (
        weight,
        logp,
        tpsa,
        qed(mol, weight=weight, logp=logp, tpsa=tpsa, donors=donors, rotatable=rotatable),
        sa_from(mol, centres),
        float(donors),
        float(rdMolDescriptors.CalcNumHBA(mol)),
        float(rotatable),
        float(rdMolDescriptors.CalcNumRings(mol)),
        float(rdMolDescriptors.CalcNumAromaticRings(mol)),
        rdMolDescriptors.CalcFractionCSP3(mol),
        float(centres),
        float(mol.GetNumHeavyAtoms()),
        float(Chem.GetFormalCharge(mol)),
    )


def _logp(mol: Chem.Mol) -> float:
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])


def _rotatable_bonds(mol: Chem.Mol) -> int:
    return int(rdMolDescriptors.CalcNumRotatableBonds(mol, rdMolDescriptors.NumRotatableBondsOptions.Strict))


def _qed(mol: Chem.Mol) -> float:
    shared = {"weight": rdMolDescriptors._CalcMolWt(mol), "logp": _logp(mol), "tpsa": rdMolDescriptors.CalcTPSA(mol)}
    return qed(mol, **shared, donors=rdMolDescriptors.CalcNumHBD(mol), rotatable=_rotatable_bonds(mol))


DESCRIPTORS: dict[str, Callable[[Chem.Mol], float]] = {
    "MW": rdMolDescriptors._CalcMolWt,
    "logP": _logp,
    "TPSA": rdMolDescriptors.CalcTPSA,
    "QED": _qed,
    "SA": sa,
    "HBD": rdMolDescriptors.CalcNumHBD,
    "HBA": rdMolDescriptors.CalcNumHBA,
    "rotatable_bonds": _rotatable_bonds,
    "rings": rdMolDescriptors.CalcNumRings,
    "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
    "fsp3": rdMolDescriptors.CalcFractionCSP3,
    "stereocentres": stereocentres,
    "heavy_atoms": lambda mol: mol.GetNumHeavyAtoms(),
    "charge": Chem.GetFormalCharge,
}
"""One function a property, for when only one is wanted."""

if tuple(DESCRIPTORS) != PROPERTIES:
    raise ImportError("molgen.chem.descriptors and molgen.core.tables disagree about the properties")
