"""Synthetic accessibility score, 1 (easy) to 10 (hard).

Ertl and Schuffenhauer, J. Cheminform. 1:8 (2009), with the two changes of RDKit's implementation: the macrocycle
penalty does not grow beyond one macrocycle, and symmetric molecules (fewer environments than atoms) are eased. The
fragment contributions are read from the data file that RDKit ships; values equal those of RDKit's `sascorer`.
"""

from __future__ import annotations

import gzip
import math
import pickle
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from rdkit import Chem, RDConfig
from rdkit.Chem import rdMolDescriptors

from molgen.core.errors import MachineError

UNSEEN = -4.0  # contribution of an environment that PubChem's sample did not hold
RAW_HARD, RAW_EASY = -4.0, 2.5  # raw scores that map to about 10 and 1
MACROCYCLE = 8  # a ring of more atoms is one


def sa(mol: Chem.Mol, counts: Mapping[int, int], centres: int) -> float:
    """The score, from what others share: Morgan environments of radius 2 and stereo centres. NaN without atoms."""
    atoms, distinct = mol.GetNumAtoms(), len(counts)
    if atoms == 0:
        return math.nan
    raw = _fragment_score(counts) - _complexity(mol, atoms, centres)
    if atoms > distinct:
        raw += math.log(float(atoms) / distinct) * 0.5
    score = 11.0 - (raw - RAW_HARD + 1) / (RAW_EASY - RAW_HARD) * 9.0
    if score > 8.0:  # the far end is compressed
        score = 8.0 + math.log(score + 1.0 - 9.0)
    return min(max(score, 1.0), 10.0)


def stereocentres(mol: Chem.Mol) -> int:
    """Tetrahedral stereo centres, assigned or not, as `FindMolChiralCenters` of RDKit counts them."""
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True, flagPossibleStereoCenters=True)
    return int(rdMolDescriptors.CalcNumAtomStereoCenters(mol))


def _fragment_score(counts: Mapping[int, int]) -> float:
    """Mean contribution of the molecule's environments. The sum runs in RDKit's order, so that values are equal."""
    total = 0.0
    for environment, count in counts.items():
        total += _contribution(environment) * count
    return total / sum(counts.values())


@lru_cache(maxsize=65_536)
def _contribution(environment: int) -> float:
    known, contributions = fragment_contributions()
    place = int(np.searchsorted(known, np.uint32(environment)))
    return float(contributions[place]) if place < len(known) and known[place] == environment else UNSEEN


def _complexity(mol: Chem.Mol, atoms: int, centres: int) -> float:
    """Penalty for size, stereo centres, spiro and bridgehead atoms, and macrocycles."""
    macrocycle = any(len(ring) > MACROCYCLE for ring in mol.GetRingInfo().AtomRings())
    penalty = atoms**1.005 - atoms
    penalty += math.log10(centres + 1)
    penalty += math.log10(rdMolDescriptors.CalcNumSpiroAtoms(mol) + 1)
    penalty += math.log10(rdMolDescriptors.CalcNumBridgeheadAtoms(mol) + 1)
    return penalty + (math.log10(2) if macrocycle else 0.0)


@cache
def fragment_contributions() -> tuple[np.ndarray, np.ndarray]:
    """Environment identifiers (uint32, ascending) and their contributions (float64); 9 MB, read once a process."""
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "fpscores.pkl.gz"
    try:
        with gzip.open(path) as stream:
            groups = pickle.load(stream)  # a file of the installed RDKit, not of a user
    except OSError:
        raise MachineError(f"{path}: missing; SA needs an RDKit with its Contrib folder (pip install rdkit)") from None
    keys = np.array([key for group in groups for key in group[1:]], np.uint32)
    values = np.repeat([float(group[0]) for group in groups], [len(group) - 1 for group in groups])
    order = np.argsort(keys)
    return keys[order], values[order]
