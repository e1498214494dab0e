"""Morgan fingerprints as packed bits; their Tanimoto similarities are those of `molgen.chem.tanimoto`.

`radius=2` is what the field calls ECFP4 (its number is a diameter). Packed: 8 bits a byte, uint8 (n, bits / 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.tanimoto import nearest, tanimoto
from molgen.core.errors import InputError

__all__ = ["morgan", "morgan_bits", "nearest", "tanimoto"]


@cache
def _generator(radius: int, bits: int) -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits)


def morgan(mols: Sequence[Chem.Mol | None], radius: int = 2, bits: int = 2048) -> np.ndarray:
    """Packed Morgan fingerprints, uint8 (n, bits / 8); zeros where there is no molecule. `bits` in multiples of 64."""
    if bits % 64:
        raise InputError(f"fingerprint bits = {bits}: must be a multiple of 64")
    return np.packbits(morgan_bits(mols, radius, bits), axis=1)


def morgan_bits(mols: Sequence[Chem.Mol | None], radius: int = 2, bits: int = 2048) -> np.ndarray:
    """Morgan fingerprints as 0 and 1, uint8 (n, bits)."""
    generator, out = _generator(radius, bits), np.zeros((len(mols), bits), np.uint8)
    for row, mol in enumerate(mols):
        if mol is not None:
            out[row] = generator.GetFingerprintAsNumPy(mol)
    return out


def morgan_counts(mol: Chem.Mol, radius: int = 2) -> dict[int, int]:
    """The Morgan environments of a molecule (32-bit identifiers, ascending) and how often each occurs."""
    counts: dict[int, int] = _generator(radius, 2048).GetSparseCountFingerprint(mol).GetNonzeroElements()
    return counts


def morgan_places(mol: Chem.Mol, radius: int = 2) -> list[tuple[int, list[int]]]:
    """Each environment that `morgan_counts` counts, once for each time it occurs: its identifier and its atoms."""
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _generator(radius, 2048).GetSparseCountFingerprint(mol, additionalOutput=output)
    found = []
    for identifier, places in output.GetBitInfoMap().items():
        for centre, reach in places:
            bonds = Chem.FindAtomEnvironmentOfRadiusN(mol, reach, centre) if reach else []
            ends = [(mol.GetBondWithIdx(b).GetBeginAtomIdx(), mol.GetBondWithIdx(b).GetEndAtomIdx()) for b in bonds]
            found.append((identifier, sorted({centre, *(atom for pair in ends for atom in pair)})))
    return found


def folded(counts: Iterable[int], bits: int = 2048) -> np.ndarray:
    """The packed fingerprint with these environments, uint8 (bits / 8): a row of `morgan`."""
    row = np.zeros(bits, np.uint8)
    row[[environment % bits for environment in counts]] = 1
    return np.packbits(row)
