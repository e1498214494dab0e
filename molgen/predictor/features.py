"""What trees see of a molecule: counts of ECFP4 environments, folded, and the property columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from molgen.chem.descriptors import VALUES, Shared
from molgen.chem.fingerprints import morgan_places

BITS = 2048


def features(mols: Sequence[Chem.Mol]) -> np.ndarray:
    """float32 (n, BITS + properties); a property that RDKit cannot compute is 0."""
    out = np.zeros((len(mols), BITS + len(VALUES)), np.float32)
    for row, mol in zip(out, mols, strict=True):
        shared = Shared(mol)
        for key, count in shared.counts.items():
            row[key % BITS] += count
        _fill_properties(row, shared)
    return out


def without_each_atom(mol: Chem.Mol) -> np.ndarray:
    """float32 (1 + atoms, features): of the molecule, then as if each atom in turn were not there.

    The environments that hold it are not counted, and properties are those with a dummy in its place.
    """
    out = np.repeat(features([mol]), 1 + mol.GetNumAtoms(), axis=0)
    for key, atoms in morgan_places(mol):
        out[[1 + atom for atom in atoms], key % BITS] -= 1
    for atom, row in enumerate(out[1:]):
        row[BITS:] = 0
        _fill_properties(row, Shared(_with_dummy(mol, atom)))
    return out


def _fill_properties(row: np.ndarray, shared: Shared) -> None:
    for place, value in enumerate(VALUES.values(), BITS):
        try:
            row[place] = value(shared)
        except (ArithmeticError, RuntimeError, ValueError):
            continue


def _with_dummy(mol: Chem.Mol, place: int) -> Chem.Mol:
    """The molecule with an atom without element, mass and hydrogens; its bonds stay as they are."""
    out = Chem.RWMol(mol)
    atom = out.GetAtomWithIdx(place)
    atom.SetAtomicNum(0)
    atom.SetFormalCharge(0)
    atom.SetNumExplicitHs(0)
    atom.SetNoImplicit(True)
    out.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(out)
    return out.GetMol()
