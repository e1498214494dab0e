"""One chunk of raw rows to standardised molecules and rejects: what `prepare` spreads over processes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgen.chem.descriptors import properties
from molgen.chem.parse import BadMolecule
from molgen.chem.standardise import standardise
from molgen.core.tables import PROPERTIES
from molgen.data.prepare_settings import PrepareSettings
from molgen.data.readers import Row, to_mol
from molgen.data.splits import by_column, by_fraction, by_scaffold

SHOWN = 200  # characters of an input that the rejects table keeps
_ELEMENT = re.compile(r"[A-Z][a-z]?")


@dataclass(frozen=True)
class Chunk:
    """Rows of one file. `split` is that of the file where files are splits."""

    file: str
    blocks: bool
    rows: Sequence[Row]
    split: str | None = None


@dataclass
class Cleaned:
    """What became of a chunk, column by column; `digests` tell equal molecules (16 bytes each)."""

    file: str
    smiles: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    formulas: list[frozenset[str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    properties: np.ndarray = field(default_factory=lambda: np.empty((0, len(PROPERTIES)), np.float32))
    rejects: list[tuple[int, str, str, str | None]] = field(default_factory=list)  # line, input, reason, detail

    def remove(self, rows: set[int]) -> None:
        """Takes the molecules at these places out of every column."""
        kept = [i for i in range(len(self.smiles)) if i not in rows]
        self.smiles = [self.smiles[i] for i in kept]
        self.names = [self.names[i] for i in kept]
        self.lines = [self.lines[i] for i in kept]
        self.splits = [self.splits[i] for i in kept]
        self.digests = [self.digests[i] for i in kept]
        self.formulas = [self.formulas[i] for i in kept]
        self.sizes = [self.sizes[i] for i in kept]
        if len(self.properties):
            self.properties = self.properties[kept]


def clean(chunk: Chunk, settings: PrepareSettings, seed: int) -> Cleaned:
    """Standardises, filters, describes and assigns a split to each row; what fails is a reject."""
    out, values = Cleaned(chunk.file), []
    for row in chunk.rows:
        try:
            mol, smiles = _molecule(row, chunk.blocks, settings)
            elements = _filter(mol, settings)
            split = _split(row, mol, smiles, chunk.split, settings, seed)
            if settings.properties:
                values.append(properties(mol))
        except BadMolecule as bad:
            out.rejects.append((row.line, row.text[:SHOWN], bad.reason, bad.detail or None))
            continue
        except (RuntimeError, ValueError) as error:  # RDKit's own, on molecules that sanitize but break later
            message = str(error).strip().splitlines() or [type(error).__name__]
            out.rejects.append((row.line, row.text[:SHOWN], "chemistry", message[0][:SHOWN]))
            continue
        out.smiles.append(smiles)
        out.names.append(row.name)
        out.lines.append(row.line)
        out.splits.append(split)
        out.digests.append(digest(smiles))
        out.formulas.append(elements)
        out.sizes.append(mol.GetNumHeavyAtoms())
    if values:
        out.properties = np.array(values, np.float32)
    return out


def digest(smiles: str) -> bytes:
    """What tells a molecule from all others (16 bytes)."""
    return hashlib.blake2b(smiles.encode(), digest_size=16).digest()


def _molecule(row: Row, blocks: bool, settings: PrepareSettings) -> tuple[Chem.Mol, str]:
    if row.problem:
        raise BadMolecule("unreadable row", row.problem)
    mol, smiles = standardise(
        to_mol(row.text, block=blocks),
        largest_fragment=settings.largest_fragment,
        neutralise=settings.neutralise,
        drop_stereo=settings.stereo == "drop",
    )
    if "." in smiles:
        raise BadMolecule("several fragments", smiles[:80])
    return mol, smiles


def _filter(mol: Chem.Mol, settings: PrepareSettings) -> frozenset[str]:
    """The molecule's elements; BadMolecule if it is outside what the settings allow."""
    elements = _elements(rdMolDescriptors.CalcMolFormula(mol))
    if not elements <= _allowed(settings.elements):
        raise BadMolecule("element", " ".join(sorted(elements - _allowed(settings.elements))))
    size, charge = mol.GetNumHeavyAtoms(), Chem.GetFormalCharge(mol)
    if size < settings.min_heavy_atoms:
        raise BadMolecule("too small", f"{size} heavy atoms, at least {settings.min_heavy_atoms}")
    if size > settings.max_heavy_atoms:
        raise BadMolecule("too large", f"{size} heavy atoms, at most {settings.max_heavy_atoms}")
    if abs(charge) > settings.max_charge:
        raise BadMolecule("charge", f"{charge:+d}, at most {settings.max_charge} either way")
    return elements


@lru_cache(maxsize=65_536)
def _elements(formula: str) -> frozenset[str]:
    return frozenset(_ELEMENT.findall(formula)) - {"H"}


@lru_cache(maxsize=8)
def _allowed(elements: tuple[str, ...]) -> frozenset[str]:
    return frozenset(elements)


def _split(row: Row, mol: Chem.Mol, smiles: str, of_file: str | None, settings: PrepareSettings, seed: int) -> str:
    if settings.split == "column":
        return by_column(row.split)
    if settings.split == "random":
        return by_fraction(seed, smiles, settings.fractions)
    if settings.split == "scaffold":
        return by_scaffold(seed, mol, smiles, settings.fractions)
    if of_file == "train+valid":
        share = settings.valid_fraction
        return by_fraction(seed, smiles, {"valid": share, "train": 1 - share})
    return str(of_file)
