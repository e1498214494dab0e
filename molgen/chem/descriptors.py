"""The property columns of a molecule, computed from what they share; each part only when it is asked for.

Every value equals that of RDKit's own function (units in `docs/tables.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors

from molgen.chem.contributions import Totals, totals
from molgen.chem.environments import Sketch, sketch
from molgen.chem.fingerprints import morgan_counts
from molgen.chem.qed import qed
from molgen.chem.sa import sa, stereocentres
from molgen.core.tables import PROPERTIES


class Shared:
    """What several descriptors of a sanitized molecule need, each worked out once, when first asked for.

    `drawn` is None where the molecule is out of the ordinary; RDKit's own functions are asked then.
    """

    def __init__(self, mol: Chem.Mol) -> None:
        self.mol = mol

    @cached_property
    def drawn(self) -> Sketch | None:
        return sketch(self.mol)

    @cached_property
    def totals(self) -> Totals:
        return totals(self.mol, self.drawn)

    @cached_property
    def counts(self) -> dict[int, int]:
        return morgan_counts(self.mol)

    @cached_property
    def stereocentres(self) -> int:
        return stereocentres(self.mol)

    @cached_property
    def weight(self) -> float:
        return float(rdMolDescriptors._CalcMolWt(self.mol))

    @cached_property
    def tpsa(self) -> float:
        return float(rdMolDescriptors.CalcTPSA(self.mol))

    @cached_property
    def qed(self) -> float:
        if self.drawn is None:
            return float(QED.qed(self.mol))  # where there are hydrogen atoms, it removes them first
        return qed(self.mol, self.drawn, self.totals, weight=self.weight, tpsa=self.tpsa)

    @cached_property
    def sa(self) -> float:
        return sa(self.mol, self.counts, self.stereocentres)


VALUES: dict[str, Callable[[Shared], float]] = {
    "MW": lambda shared: shared.weight,
    "logP": lambda shared: shared.totals.logp,
    "TPSA": lambda shared: shared.tpsa,
    "QED": lambda shared: shared.qed,
    "SA": lambda shared: shared.sa,
    "HBD": lambda shared: float(shared.totals.donors),
    "HBA": lambda shared: float(shared.totals.acceptors),
    "rotatable_bonds": lambda shared: float(shared.totals.rotatable),
    "rings": lambda shared: float(rdMolDescriptors.CalcNumRings(shared.mol)),
    "aromatic_rings": lambda shared: float(rdMolDescriptors.CalcNumAromaticRings(shared.mol)),
    "fsp3": lambda shared: float(rdMolDescriptors.CalcFractionCSP3(shared.mol)),
    "stereocentres": lambda shared: float(shared.stereocentres),
    "heavy_atoms": lambda shared: float(shared.mol.GetNumHeavyAtoms()),
    "charge": lambda shared: float(Chem.GetFormalCharge(shared.mol)),
}
"""One function a property, of what it shares with others."""

if tuple(VALUES) != PROPERTIES:
    raise ImportError("molgen.chem.descriptors and molgen.core.tables disagree about the properties")


def properties(mol: Chem.Mol) -> tuple[float, ...]:
    """The values of `PROPERTIES`, in its order, for a sanitized molecule with at least one atom."""
    shared = Shared(mol)
    return tuple(value(shared) for value in VALUES.values())


def _alone(name: str, mol: Chem.Mol) -> float:
    return VALUES[name](Shared(mol))


DESCRIPTORS: dict[str, Callable[[Chem.Mol], float]] = {name: partial(_alone, name) for name in PROPERTIES}
"""The same of a molecule, for when only one is wanted."""
