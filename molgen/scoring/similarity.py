"""Similarity component: likeness of fingerprints to one or several reference molecules."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator
from rdkit import Chem

from molgen.chem.fingerprint_kinds import KINDS, fingerprints, tversky
from molgen.chem.parse import BadMolecule, parse
from molgen.chem.tanimoto import nearest as nearest_print
from molgen.chem.tanimoto import tanimoto
from molgen.core.errors import SettingsError, nearest
from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules


def parsed(references: tuple[str, ...]) -> tuple[str, ...]:
    """The references, if all of them are molecules."""
    for smiles in references:
        try:
            parse(smiles)
        except BadMolecule as error:
            raise ValueError(f"{smiles[:80]!r} is not a molecule ({error.reason})") from None
    return references


class SimilaritySettings(ComponentSettings):
    """`references` are SMILES; `references_file` in an objective file is read into them when it is loaded."""

    references: tuple[str, ...] = Field(min_length=1)
    fingerprint: str = "ECFP"  # one of `molgen.chem.fingerprint_kinds.KINDS`
    radius: int = Field(default=2, ge=0, le=6)  # ECFP4 has radius 2: the 4 is a diameter
    bits: int = Field(default=2048, ge=64, le=65536, multiple_of=64)
    metric: Literal["tanimoto", "tversky"] = "tanimoto"
    alpha: float = Field(default=0.5, ge=0, le=10)  # Tversky's weight of what only the molecule has
    beta: float = Field(default=0.5, ge=0, le=10)  # and of what only the reference has
    to: Literal["nearest", "mean"] = "nearest"

    _parsed = field_validator("references")(parsed)

    @field_validator("fingerprint")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"unknown fingerprint {kind!r}{nearest(kind, KINDS)}")
        return kind

    @model_validator(mode="after")
    def _used(self) -> Self:
        """A parameter that would change nothing is a misunderstanding."""
        unused = ["radius"] if self.fingerprint in ("atom_pair", "pharmacophore") else []
        unused += ["bits"] if self.fingerprint == "pharmacophore" else []
        for key in unused:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key!r} has no meaning for fingerprint {self.fingerprint!r}; leave it out")
        for key in ("alpha", "beta"):
            if self.metric == "tanimoto" and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key!r} is Tversky's; give `metric: tversky` or leave it out")
        if self.metric == "tversky" and self.alpha == self.beta == 0:
            raise ValueError("alpha and beta are both 0; every molecule with one bit in common would have 1")
        return self


class Similarity:
    """Tanimoto or Tversky similarity, 0 to 1, to the nearest reference or as the mean over all of them."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = SimilaritySettings
    usual = (0.0, 1.0)

    def __init__(self, settings: SimilaritySettings) -> None:
        self.name, self.unit = settings.name, ""
        self._settings = settings
        over = "the nearest of" if settings.to == "nearest" else "all of, as a mean,"
        self.meaning = (
            f"{settings.metric.capitalize()} similarity ({settings.fingerprint}) to {over} "
            f"{len(settings.references):,} reference{'s' if len(settings.references) > 1 else ''}, 0 to 1"
        )
        self._references, made = self._prints([parse(smiles) for smiles in settings.references])
        if not made.all():
            at = settings.references[int(np.flatnonzero(~made)[0])]
            raise SettingsError(
                f"component {self.name!r}: reference {at[:80]!r} is too large for {settings.fingerprint}"
            )

    def score(self, molecules: Molecules) -> np.ndarray:
        """The similarity of each molecule; none where its fingerprint cannot be made."""
        values = np.full(len(molecules), NO_VALUE)
        there = [(i, mol) for i, mol in enumerate(molecules) if mol is not None]
        if there:
            prints, made = self._prints([mol for _, mol in there])
            values[[i for i, _ in there]] = np.where(made, self._compare(prints), NO_VALUE)
        return values

    def _prints(self, mols: list[Chem.Mol]) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._settings
        return fingerprints(mols, chosen.fingerprint, radius=chosen.radius, bits=chosen.bits)

    def _compare(self, prints: np.ndarray) -> np.ndarray:
        """float64 (molecules,): to the nearest reference, or the mean over all."""
        chosen = self._settings
        if chosen.metric == "tanimoto" and chosen.to == "nearest":
            return nearest_print(prints, self._references)[1].astype(np.float64)
        if chosen.metric == "tversky":
            found = tversky(prints, self._references, chosen.alpha, chosen.beta)
        else:
            found = tanimoto(prints, self._references).astype(np.float64)
        return found.max(axis=1) if chosen.to == "nearest" else found.mean(axis=1)
