"""Morgan fingerprints as packed bits, and Tanimoto similarity on them with NumPy's popcount.

`radius=2` is what the field calls ECFP4 (its number is a diameter). Packed: 8 bits a byte, uint8 (n, bits / 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.core.errors import InputError


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


def folded(counts: Iterable[int], bits: int = 2048) -> np.ndarray:
    """The packed fingerprint with these environments, uint8 (bits / 8): a row of `morgan`."""
    row = np.zeros(bits, np.uint8)
    row[[environment % bits for environment in counts]] = 1
    return np.packbits(row)


def tanimoto(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tanimoto similarity of each packed row of `a` to each of `b`: float32 (n, m) in [0, 1]; two empty rows give 0."""
    words_a, words_b = _words(a), _words(b)
    common = np.zeros((len(a), len(b)), np.uint16)
    for word in range(words_a.shape[1]):  # a word at a time keeps the temporary array at n * m words
        common += np.bitwise_count(words_a[:, word, None] & words_b[None, :, word])
    union = _count(words_a)[:, None] + _count(words_b)[None, :] - common.astype(np.float32)
    return np.divide(common, union, out=np.zeros(common.shape, np.float32), where=union > 0)


def nearest(a: np.ndarray, b: np.ndarray, block: int = 16_384) -> tuple[np.ndarray, np.ndarray]:
    """For each packed row of `a`, the most similar row of `b`: its index (int64, the first of equals) and similarity.

    `b` is taken `block` rows at a time (it may be a memory map), `a` 256. With an empty `b`: index -1, similarity 0.
    """
    index, best = np.full(len(a), -1, np.int64), np.full(len(a), -1.0, np.float32)
    for start in range(0, len(b), block):
        part = np.asarray(b[start : start + block])
        for first in range(0, len(a), 256):
            rows = slice(first, first + 256)
            similarity = tanimoto(a[rows], part)
            place = similarity.argmax(axis=1)
            value = similarity[np.arange(len(place)), place]
            better = value > best[rows]
            index[rows][better] = start + place[better]
            best[rows][better] = value[better]
    return index, np.maximum(best, 0)


def _words(packed: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(packed).view(np.uint64)


def _count(words: np.ndarray) -> np.ndarray:
    return np.bitwise_count(words).sum(axis=1, dtype=np.float32)
