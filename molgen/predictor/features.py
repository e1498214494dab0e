"""What trees see of a molecule: counts of ECFP4 environments, folded, and the property columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from molgen.chem.descriptors import VALUES, Shared

BITS = 2048


def features(mols: Sequence[Chem.Mol]) -> np.ndarray:
    """float32 (n, BITS + properties); a property that RDKit cannot compute is 0."""
    out = np.zeros((len(mols), BITS + len(VALUES)), np.float32)
    for row, mol in enumerate(mols):
        shared = Shared(mol)
        for key, count in shared.counts.items():
            out[row, key % BITS] += count
        for place, value in enumerate(VALUES.values(), BITS):
            try:
                out[row, place] = value(shared)
            except (ArithmeticError, RuntimeError, ValueError):
                continue
    return out
