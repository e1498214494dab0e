"""Natural-product likeness, about -5 (synthetic) to 5 (natural product).

Ertl, Roggo and Schuffenhauer, J. Chem. Inf. Model. 2008, 48, 68, with the open model of RDKit's Contrib folder (about
50,000 natural products against a million molecules of ZINC). Values equal those of RDKit's `npscorer`.
"""

from __future__ import annotations

import gzip
import math
import pickle
from functools import cache
from pathlib import Path

import numpy as np
from rdkit import Chem, RDConfig
from rdkit.Chem import rdFingerprintGenerator

from molgen.core.errors import MachineError

FAR = 4.0  # beyond it, exotic molecules are held back by a logarithm

_environments = rdFingerprintGenerator.GetMorganGenerator(radius=2)


def np_likeness(mol: Chem.Mol) -> float:
    """The score of a molecule; NaN for one without atoms."""
    if mol.GetNumAtoms() == 0:
        return math.nan
    known, contributions = _model()
    keys = np.fromiter(_environments.GetSparseCountFingerprint(mol).GetNonzeroElements(), np.uint32)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    total = 0.0
    for value in contributions[places][known[places] == keys].tolist():  # in RDKit's order, so that values are equal
        total += value
    score = total / float(mol.GetNumAtoms())
    if score > FAR:
        return FAR + math.log10(score - FAR + 1.0)
    return -FAR - math.log10(-FAR - score + 1.0) if score < -FAR else score


@cache
def _model() -> tuple[np.ndarray, np.ndarray]:
    """Environment identifiers (uint32, ascending) and their contributions (float64); 2 MB, read once a process."""
    path = Path(RDConfig.RDContribDir) / "NP_Score" / "publicnp.model.gz"
    try:
        with gzip.open(path) as stream:
            values: dict[int, float] = pickle.load(stream)  # a file of the installed RDKit, not of a user
    except OSError:
        raise MachineError(
            f"{path}: missing; np_likeness needs an RDKit with its Contrib folder (pip install rdkit)"
        ) from None
    keys = np.fromiter(values.keys(), np.uint32, len(values))
    order = np.argsort(keys)
    return keys[order], np.fromiter(values.values(), np.float64, len(values))[order]
