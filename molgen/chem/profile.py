"""A molecule's profile: everything that a screen may want to know of it, in one pass that shares what the parts share.

Values equal those of RDKit's own functions, to the last bit. Only what is wanted is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molgen.chem.alerts import DEFAULT_SETS, Alert, located
from molgen.chem.descriptors import VALUES, Shared
from molgen.chem.fingerprints import folded
from molgen.chem.scaffolds import murcko
from molgen.core.tables import PROPERTIES


@dataclass(frozen=True)
class Wanted:
    """What a profile shall hold: names of `PROPERTIES`, sets of alerts, bits of the fingerprint (0: none), texts."""

    properties: Sequence[str] = PROPERTIES
    alerts: Sequence[str] = DEFAULT_SETS
    bits: int = 2048
    smiles: bool = True
    scaffold: bool = True
    inchikey: bool = True


@dataclass(frozen=True)
class Profile:
    """What is known of a molecule; None (or no entry) for what was not wanted.

    `fingerprint` is Morgan of radius 2, packed, uint8 (bits / 8); `scaffold` Murcko's without stereo.
    """

    properties: Mapping[str, float]
    alerts: Sequence[Alert] | None
    fingerprint: np.ndarray | None
    smiles: str | None
    scaffold: str | None
    inchikey: str | None


EVERYTHING = Wanted()


def profile(mol: Chem.Mol, wanted: Wanted = EVERYTHING) -> Profile:
    """The profile of a sanitized molecule with at least one atom.

    Texts come first: counting stereo centres, for SA and for their own sake, leaves marks on the molecule.
    """
    shared = Shared(mol)
    smiles = Chem.MolToSmiles(mol) if wanted.smiles else None
    scaffold = murcko(mol) if wanted.scaffold else None
    inchikey = Chem.MolToInchiKey(mol) if wanted.inchikey else None
    return Profile(
        {name: VALUES[name](shared) for name in wanted.properties},
        located(mol, wanted.alerts, shared.drawn) if wanted.alerts else None,
        folded(shared.counts, wanted.bits) if wanted.bits else None,
        smiles,
        scaffold,
        inchikey,
    )
