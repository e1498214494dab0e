"""Fingerprints of several kinds as packed bits, and the Tversky index on them.

ECFP and FCFP (Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742), atom pairs (Carhart, Smith and Venkataraghavan,
J. Chem. Inf. Comput. Sci. 1985, 25, 64), topological pharmacophores of two and three points (Gobbi and Poppinger,
Biotechnol. Bioeng. 1998, 61, 47). All are RDKit's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.fingerprints import morgan

KINDS = ("ECFP", "FCFP", "atom_pair", "pharmacophore")
MAX_FEATURES = 60  # pharmacophore points; work grows with their cube, and 60 take some seconds


def fingerprints(
    mols: Sequence[Chem.Mol], kind: str, *, radius: int = 2, bits: int = 2048
) -> tuple[np.ndarray, np.ndarray]:
    """Packed fingerprints, uint8 (n, bytes), and whether each could be made, bool (n,).

    `radius` is for ECFP and FCFP (2 is what the field calls ECFP4), `bits` for all but `pharmacophore`, which has
    39,972 of its own and is slow: milliseconds to seconds a molecule, none above `MAX_FEATURES` points.
    """
    if kind == "ECFP":
        return morgan(mols, radius, bits), np.ones(len(mols), bool)
    if kind == "pharmacophore":
        return _pharmacophores(mols)
    generator, out = _generator(kind, radius, bits), np.zeros((len(mols), bits), np.uint8)
    for row, mol in enumerate(mols):
        out[row] = generator.GetFingerprintAsNumPy(mol)
    return np.packbits(out, axis=1), np.ones(len(mols), bool)


def tversky(a: np.ndarray, b: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """Tversky index of each packed row of `a` to each of `b`: float64 (n, m) in [0, 1]; two empty rows give 0.

    c / (c + alpha (|A| - c) + beta (|B| - c)) with c bits in common (Tversky, Psychol. Rev. 1977, 84, 327). With
    alpha = 0 and beta = 1 it is the share of B that is in A; alpha = beta = 1 is Tanimoto.
    """
    words_a, words_b = a.view(np.uint64), b.view(np.uint64)
    sizes_a, sizes_b = (np.bitwise_count(words).sum(axis=1, dtype=np.float64) for words in (words_a, words_b))
    out = np.zeros((len(a), len(b)))
    for column, row in enumerate(words_b):
        common = np.bitwise_count(words_a & row).sum(axis=1, dtype=np.float64)
        whole = common + alpha * (sizes_a - common) + beta * (sizes_b[column] - common)
        np.divide(common, whole, out=out[:, column], where=whole > 0)
    return out


@cache
def _generator(kind: str, radius: int, bits: int) -> Any:
    if kind == "atom_pair":
        return rdFingerprintGenerator.GetAtomPairGenerator(fpSize=bits)
    features = rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits, atomInvariantsGenerator=features)


def _pharmacophores(mols: Sequence[Chem.Mol]) -> tuple[np.ndarray, np.ndarray]:
    from rdkit.Chem.Pharm2D import Generate, Gobbi_Pharm2D

    factory = Gobbi_Pharm2D.factory
    width = -(-factory.GetSigSize() // 64) * 64
    out, made = np.zeros((len(mols), width), np.uint8), np.zeros(len(mols), bool)
    for row, mol in enumerate(mols):
        if sum(len(points) for points in factory.GetMolFeats(mol)) <= MAX_FEATURES:
            out[row, list(Generate.Gen2DFingerprint(mol, factory).GetOnBits())] = 1
            made[row] = True
    return np.packbits(out, axis=1), made
