"""Line notations: how a feature store and a model over its tokens write a molecule. SMILES, or SELFIES.

SELFIES (Krenn et al. 2020, Mach. Learn.: Sci. Technol. 1 045024) has no rings or branches that could stay open: each
text is a molecule. Its tokens are all in brackets, so `tokens.tokenize` splits both notations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from molgen.chem.parse import BadMolecule, canonical
from molgen.core.errors import ArtifactError, nearest


class Notation(NamedTuple):
    """A text for a molecule, and back."""

    name: str
    of_smiles: Callable[[str], str | None]  # None if the notation cannot write this molecule
    to_smiles: Callable[[str], str]


def selfies_of(smiles: str) -> str | None:
    """The SELFIES of a valid SMILES; None where the package cannot write it so that it reads the same molecule again.

    It does not know wildcard atoms, dative or quadruple bonds, nor valences above its own (`CP(F)(F)(F)(F)F`).
    """
    import selfies

    try:
        text = selfies.encoder(smiles)
        same = canonical(selfies.decoder(text)) == canonical(smiles)
    except (selfies.EncoderError, selfies.DecoderError, BadMolecule):
        return None
    return str(text) if same else None


def smiles_of(text: str) -> str:
    """The SMILES, not canonical, of a SELFIES; empty where a token is none of SELFIES'."""
    import selfies

    try:
        return str(selfies.decoder(text))
    except selfies.DecoderError:
        return ""


NOTATIONS = {
    "smiles": Notation("smiles", lambda smiles: smiles, lambda text: text),
    "selfies": Notation("selfies", selfies_of, smiles_of),
}


def notation(name: str) -> Notation:
    """The notation of a store or a model; ArtifactError if this molgen has none of that name."""
    if name not in NOTATIONS:
        raise ArtifactError(f"notation {name!r}: this molgen has no such notation{nearest(name, NOTATIONS)}")
    return NOTATIONS[name]
