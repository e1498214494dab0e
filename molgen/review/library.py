"""The candidates of a review in memory: pictures, substructure and similarity searches, one molecule's details."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdSubstructLibrary

from molgen.chem.fingerprints import morgan
from molgen.chem.parse import BadMolecule, parse
from molgen.chem.tanimoto import tanimoto
from molgen.core.errors import InputError
from molgen.core.workers import available_cores
from molgen.report.payload import matched_atoms, near_molecules, picture_of
from molgen.report.sheet import Sheet

LONGEST_QUERY = 1_000  # characters
KEPT_PICTURES = 4_000
KEPT_MOLECULES = 20_000
KEPT_ANSWERS = 100
CHUNK = 1_000


class Library:
    """Answers what the page asks about molecules, by their row in the sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.smiles = sheet, sheet.smiles
        self._lock = threading.Lock()
        self._picture = lru_cache(KEPT_PICTURES)(self._drawn)
        self._matches = lru_cache(KEPT_ANSWERS)(self._searched)

    @cached_property
    def _structures(self) -> rdSubstructLibrary.SubstructLibrary:
        """Every molecule with the fingerprint that rules many of them out. A molecule in memory takes some 16 kB and is
        searched at once; above `KEPT_MOLECULES` their SMILES stay, which are parsed when they must be looked at."""
        few = len(self.smiles) <= KEPT_MOLECULES
        holder = rdSubstructLibrary.MolHolder() if few else rdSubstructLibrary.CachedTrustedSmilesMolHolder()
        found = rdSubstructLibrary.SubstructLibrary(holder, rdSubstructLibrary.PatternHolder())
        for smiles in self.smiles:
            found.AddMol(parse(smiles))
        return found

    @cached_property
    def _prints(self) -> np.ndarray:
        places = range(0, max(1, len(self.smiles)), CHUNK)  # not all molecules in memory at once
        return np.concatenate([morgan([parse(s) for s in self.smiles[i : i + CHUNK]]) for i in places])

    def prepare(self) -> None:
        """Makes what the first search would wait for."""
        with self._lock:
            _ = self._structures, self._prints

    def pictures(self, rows: Sequence[int], *, aligned: bool, query: str) -> list[dict[str, Any]]:
        """For each row its drawing, and the atoms that match the query."""
        wanted = read_query(query) if query else None
        found = []
        for row in rows:
            match = matched_atoms(parse(self.smiles[row]), wanted) if wanted is not None else []
            found.append({"svg": self._picture(row, aligned), "match": match})
        return found

    def _drawn(self, row: int, aligned: bool) -> str | None:
        scaffold = self.sheet.table["scaffold"][row].as_py() if aligned else ""
        return picture_of(self.smiles[row], scaffold or "")

    def substructure(self, query: str) -> list[int]:
        """The rows that have a structure, ascending."""
        return list(self._matches(query))

    def _searched(self, query: str) -> list[int]:
        wanted = read_query(query)
        with self._lock:
            structures = self._structures
        return sorted(structures.GetMatches(wanted, numThreads=available_cores(), maxResults=max(1, len(self.smiles))))

    def similar(self, smiles: str) -> list[float]:
        """Tanimoto similarity (Morgan, radius 2, 2,048 bits) of every row to a molecule."""
        try:
            mol = parse(smiles)
        except BadMolecule as bad:
            raise InputError(f"not a molecule: {bad}") from None
        with self._lock:
            prints = self._prints
        return [round(v, 4) for v in tanimoto(prints, morgan([mol]))[:, 0].tolist()]

    def molecule(self, row: int) -> dict[str, Any]:
        """The known molecules near one candidate, with drawings and changed atoms, and what predictors say of it."""
        found = self.sheet.row(row)
        return {"near": near_molecules(found), "predicted": found.get("predicted") or []}


def read_query(text: str) -> Chem.Mol:
    """A SMARTS, or a SMILES, as a query; an InputError if it cannot be read.

    SMILES is read as SMARTS, in which an upper-case letter is an aliphatic atom: one with rings drawn as double and
    single bonds (as drawing programs write it) is made aromatic first, or it would match nothing.
    """
    if len(text) > LONGEST_QUERY:
        raise InputError(f"longer than {LONGEST_QUERY:,} characters")
    query = Chem.MolFromSmarts(_aromatic(text) or text)
    if query is None or query.GetNumAtoms() == 0:
        raise InputError("not a SMARTS or SMILES")
    query.UpdatePropertyCache(strict=False)
    Chem.GetSymmSSSR(query)
    return query


def _aromatic(text: str) -> str | None:
    """The SMARTS of a SMILES that has aromatic rings but no aromatic letter, else None."""
    # RDKit reads `[#6]` in a SMILES too; who writes it means SMARTS.
    written = Chem.MolFromSmiles(text, sanitize=False) if "[#" not in text else None
    if written is None or any(atom.GetIsAromatic() for atom in written.GetAtoms()):
        return None
    mol = Chem.MolFromSmiles(text)
    if mol is None or not any(atom.GetIsAromatic() for atom in mol.GetAtoms()):
        return None
    return str(Chem.MolToSmiles(mol)).replace("[nH]", "n")  # any substituent may stand there
