"""Shapes: how well a molecule fills the volume of another one, over some conformers of each.

Conformers: ETKDGv3 (Wang et al., J. Chem. Inf. Model. 2020, 60, 2044). Overlay: RDKit's port of PubChem's Gaussian
shape alignment (Grant, Gallardo and Pickup, J. Comput. Chem. 1996, 17, 1653). Heavy atoms only.
"""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdShapeAlign

TRIES = 10  # attempts that one conformer may take
SEEDS = 2**31 - 1  # RDKit's are 32-bit and signed


def conformers(mol: Chem.Mol, count: int, seed: int) -> Chem.Mol | None:
    """The molecule with at most `count` conformers in Å, the same for the same SMILES and seed; None if there is none.

    The order of atoms matters to the embedding, so it is made canonical first.
    """
    ordered = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    if ordered is None:
        return None
    settings = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed % SEEDS  # type: ignore[assignment]  # a mistake of RDKit's stubs
    settings.maxIterations = TRIES  # type: ignore[assignment]
    whole = Chem.AddHs(ordered)
    return whole if list(rdDistGeom.EmbedMultipleConfs(whole, count, settings)) else None


def shape_similarity(mol: Chem.Mol, references: Sequence[Chem.Mol]) -> list[float]:
    """Shape Tanimoto to each reference, 0 to 1: the best over all pairs of conformers, each pair overlaid."""
    return [
        max(_overlay(mol, reference, own, other) for own in _ids(mol) for other in _ids(reference))
        for reference in references
    ]


def _ids(mol: Chem.Mol) -> list[int]:
    return [conformer.GetId() for conformer in mol.GetConformers()]


def _overlay(mol: Chem.Mol, reference: Chem.Mol, own: int, other: int) -> float:
    moved = Chem.Mol(mol, confId=own)  # the overlay moves it; other pairs start from the same coordinates
    found = rdShapeAlign.AlignMol(reference, moved, refConfId=other, useColors=False)
    return min(max(float(found[0]), 0.0), 1.0)
