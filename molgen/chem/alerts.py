"""Structural alerts: named motifs that a chemist wants to know of (RDKit's FilterCatalog: PAINS, BRENK, NIH, ...).

Each alert is matched by RDKit's own catalog entry. What is ours is that a look at the atoms' environments
(`molgen.chem.substructures`) rules out most entries before their slow substructure search.

PAINS: Baell and Holloway, J. Med. Chem. 2010, 53, 2719. BRENK: Brenk et al., ChemMedChem 2008, 3, 435.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogEntry, FilterCatalogParams

from molgen.chem.environments import Sketch, sketch
from molgen.chem.substructures import Patterns
from molgen.core.errors import SettingsError, nearest

# set -> the RDKit catalogs in it
SETS: dict[str, tuple[str, ...]] = {
    "PAINS": ("PAINS_A", "PAINS_B", "PAINS_C"),
    "PAINS_A": ("PAINS_A",),
    "PAINS_B": ("PAINS_B",),
    "PAINS_C": ("PAINS_C",),
    "BRENK": ("BRENK",),
    "NIH": ("NIH",),
    "ZINC": ("ZINC",),
    "CHEMBL_BMS": ("CHEMBL_BMS",),
    "CHEMBL_DUNDEE": ("CHEMBL_Dundee",),
    "CHEMBL_GLAXO": ("CHEMBL_Glaxo",),
    "CHEMBL_INPHARMATICA": ("CHEMBL_Inpharmatica",),
    "CHEMBL_LINT": ("CHEMBL_LINT",),
    "CHEMBL_MLSMR": ("CHEMBL_MLSMR",),
    "CHEMBL_SURECHEMBL": ("CHEMBL_SureChEMBL",),
}
DEFAULT_SETS = ("PAINS", "BRENK")

# How a catalog entry of one plain pattern, wanted at least once, is serialized. The pattern itself is not to be had
# from Python otherwise. An entry that looks different is simply never screened out.
_HEAD = re.compile(rb"22 serialization::archive \d+ 1 1\n0 0 1 4 1 1\n1 0 0 ", re.DOTALL)
_TAIL = re.compile(rb" [1-9]\d* 4294967295 0 0 \d+ \d+ 11 description ", re.DOTALL)
_MOLECULE = b"\xef\xbe\xad\xde"  # how a pickled molecule begins


class Alert(NamedTuple):
    """An alert that a molecule has: its name ("SET: name") and, for each place where it occurs, the atoms there."""

    name: str
    places: tuple[tuple[int, ...], ...]


def alerts(mol: Chem.Mol, sets: Sequence[str] = DEFAULT_SETS, drawn: Sketch | None = None) -> list[str]:
    """The alerts in a molecule as "SET: name", in the order of `sets` and of RDKit's catalogs; each name once.

    `PAINS` names its part: "PAINS_A: quinone_A(370)". `drawn` is the molecule's sketch, if it is known already.
    """
    catalog = _catalog(tuple(sets))
    return list(dict.fromkeys(catalog.names[i] for i in catalog.matches(mol, drawn or sketch(mol))))


def located(mol: Chem.Mol, sets: Sequence[str] = DEFAULT_SETS, drawn: Sketch | None = None) -> list[Alert]:
    """The alerts with their atoms, in the order of `alerts`: the atoms of each match, in the pattern's order."""
    catalog, places = _catalog(tuple(sets)), dict[str, list[tuple[int, ...]]]()
    for i in catalog.matches(mol, drawn or sketch(mol)):
        found = [tuple(atom for _, atom in match.atomPairs) for match in catalog.entries[i].GetFilterMatches(mol)]
        places.setdefault(catalog.names[i], []).extend(found)
    return [Alert(name, tuple(dict.fromkeys(found))) for name, found in places.items()]


def check_sets(sets: Sequence[str]) -> None:
    """A SettingsError that names the nearest set if one is unknown."""
    for name in sets:
        if name not in SETS:
            raise SettingsError(f"unknown alert set {name!r}{nearest(name, SETS)}")


class _Catalog:
    """The entries of some sets, with the pattern fingerprint of each."""

    def __init__(self, sets: Sequence[str]) -> None:
        check_sets(sets)
        self.names: list[str] = []
        self.entries: list[FilterCatalogEntry] = []
        for part in dict.fromkeys(part for name in sets for part in SETS[name]):
            catalog = FilterCatalog(FilterCatalogParams(getattr(FilterCatalogParams.FilterCatalogs, part)))
            entries = [catalog.GetEntryWithIdx(i) for i in range(catalog.GetNumEntries())]
            self.names += [f"{part.upper()}: {entry.GetDescription()}" for entry in entries]
            self.entries += entries
        self._patterns = Patterns([_pattern(entry) for entry in self.entries])

    def matches(self, mol: Chem.Mol, drawn: Sketch | None) -> list[int]:
        """Indices of the entries that match, ascending."""
        return [i for i in self._patterns.candidates(drawn) if self.entries[i].HasFilterMatch(mol)]


@lru_cache(maxsize=16)
def _catalog(sets: tuple[str, ...]) -> _Catalog:
    return _Catalog(sets)


def _pattern(entry: FilterCatalogEntry) -> Chem.Mol:
    """The query molecule of an entry that is one plain pattern; otherwise the empty one, which rules nothing out."""
    data: bytes = entry.Serialize()
    start = data.find(_MOLECULE)
    size = re.search(rb" (\d+) $", data[:start]) if start >= 0 else None
    if size is None or not _HEAD.match(data):
        return Chem.Mol()
    end = start + int(size.group(1))
    return Chem.Mol(data[start:end]) if _TAIL.match(data, end) else Chem.Mol()  # type: ignore[call-overload]
