"""Hazard flags: motifs of explosives, chemical weapons and controlled substances, in `hazards.yaml` with their sources.

They are coarse on purpose, and flags only: a molecule that has one is shown as any other, with the flag beside it, so
that a chemist looks. A molecule without a flag is not thereby safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from rdkit import Chem
from rdkit.Chem import FilterCatalog

from molgen.chem.alerts import DEFAULT_SETS, alerts
from molgen.chem.environments import Sketch

PREFIX = "HAZARD: "


@dataclass(frozen=True)
class Hazard:
    """A motif: SMARTS that must occur `count` times, the class of hazard, and where it is listed."""

    name: str
    kind: str
    smarts: str
    source: str
    count: int = 1


@cache
def motifs() -> tuple[Hazard, ...]:
    """All motifs, in the order of the file."""
    groups = yaml.safe_load(files("molgen.chem").joinpath("hazards.yaml").read_text(encoding="utf-8"))
    return tuple(
        Hazard(kind=kind, **{"source": group["source"], **motif})
        for kind, group in groups.items()
        for motif in group["motifs"]
    )


def kinds() -> tuple[str, ...]:
    """The classes of hazard."""
    return tuple(dict.fromkeys(motif.kind for motif in motifs()))


def hazards(mol: Chem.Mol) -> list[Hazard]:
    """The motifs that a molecule has, in the order of the file."""
    catalog, found = _catalog()
    if not catalog.HasMatch(mol):
        return []
    return [found[entry.GetDescription()] for entry in catalog.GetMatches(mol)]


def flags(mol: Chem.Mol) -> list[str]:
    """The motifs as the column `alerts` shows them: "HAZARD: organic azide (explosive)"."""
    return [f"{PREFIX}{found.name} ({found.kind})" for found in hazards(mol)]


def alerts_and_flags(mol: Chem.Mol, sets: tuple[str, ...] = DEFAULT_SETS, drawn: Sketch | None = None) -> list[str]:
    """The structural alerts of `sets`, then the hazard flags, whatever the sets. `drawn`: see `alerts`."""
    return alerts(mol, sets, drawn) + flags(mol)


@cache
def _catalog() -> tuple[FilterCatalog.FilterCatalog, dict[str, Hazard]]:
    """RDKit's catalog searches all motifs in one call."""
    catalog = FilterCatalog.FilterCatalog()
    for motif in motifs():
        matcher = FilterCatalog.SmartsMatcher(motif.name, motif.smarts, motif.count)
        catalog.AddEntry(FilterCatalog.FilterCatalogEntry(motif.name, matcher))
    return catalog, {motif.name: motif for motif in motifs()}
