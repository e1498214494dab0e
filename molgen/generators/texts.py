"""What drawn texts are: molecules, or the reasons why not."""

from __future__ import annotations

from collections.abc import Iterable

from rdkit import Chem

from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.generators.base import Samples


def samples(texts: Iterable[str | None]) -> Samples:
    """Canonical SMILES or reasons, in order; a text is null where a draw did not end."""
    return Samples.of(map(_sample, texts))


def molecule(text: str | None) -> Chem.Mol | None:
    """The molecule that `samples` would find, if any."""
    try:
        return parse(text) if text is not None and "." not in text else None
    except BadMolecule:
        return None


def is_molecule(text: str | None) -> bool:
    """Whether `samples` would find a molecule."""
    return molecule(text) is not None


def _sample(text: str | None) -> tuple[str | None, str | None]:
    try:
        return (canonical(text), None) if text is not None else (None, "no end within the length")
    except BadMolecule as error:
        return None, error.reason
