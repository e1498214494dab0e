"""Which split a molecule belongs to: decided by the molecule alone, so that order and workers do not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.chem.scaffolds import murcko
from molgen.core.errors import InputError

SPLITS = ("train", "valid", "test", "test_scaffolds")
SYNONYMS = {"training": "train", "val": "valid", "validation": "valid", "dev": "valid", "testing": "test"}


def uniform(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on `seed` and `text` alone."""
    digest = hashlib.blake2b(f"{seed}\n{text}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) / 2.0**53


def by_fraction(seed: int, text: str, fractions: Mapping[str, float]) -> str:
    """The split that `text` falls into when splits share [0, 1) by their fractions."""
    place, end = uniform(seed, text), 0.0
    for name, fraction in fractions.items():
        end += fraction
        if place < end:
            return name
    return [name for name, fraction in fractions.items() if fraction > 0][-1]  # the sum fell short by rounding


def by_scaffold(seed: int, mol: Chem.Mol, smiles: str, fractions: Mapping[str, float]) -> str:
    """By the Murcko scaffold, so that no scaffold is in two splits; without rings by the molecule itself.

    Large scaffolds go as one piece: the fractions are met on average over scaffolds, not exactly.
    """
    return by_fraction(seed, murcko(mol) or smiles, fractions)


def by_column(value: str | None) -> str:
    """The split that a column names; BadMolecule for another value."""
    name = (value or "").strip().casefold()
    name = SYNONYMS.get(name, name)
    if name not in SPLITS:
        raise BadMolecule("unknown split", value or "empty")
    return name


def by_files(stems: Iterable[str]) -> dict[str, str]:
    """File stem -> split, where each file is named for its split (train.smi, test.csv.gz, ...)."""
    found = {}
    for stem in stems:
        name = SYNONYMS.get(stem.casefold(), stem.casefold())
        if name not in SPLITS:
            raise InputError(
                f"{stem}: split=files needs files named {', '.join(SPLITS)}; rename it or choose another split"
            )
        found[stem] = name
    return found
