"""Similarity component: Tanimoto similarity of Morgan fingerprints to one or several reference molecules."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from molgen.chem.fingerprints import morgan, tanimoto
from molgen.chem.parse import BadMolecule, parse
from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules


class SimilaritySettings(ComponentSettings):
    """`references` are SMILES; `references_file` in an objective file is read into them when it is loaded."""

    references: tuple[str, ...] = Field(min_length=1)
    radius: int = Field(default=2, ge=0, le=6)  # ECFP4 has radius 2: the 4 is a diameter
    bits: int = Field(default=2048, ge=64, le=65536, multiple_of=64)
    to: Literal["nearest", "mean"] = "nearest"

    @field_validator("references")
    @classmethod
    def _parsed(cls, references: tuple[str, ...]) -> tuple[str, ...]:
        for smiles in references:
            try:
                parse(smiles)
            except BadMolecule as error:
                raise ValueError(f"{smiles[:80]!r} is not a molecule ({error.reason})") from None
        return references


class Similarity:
    """Tanimoto similarity, 0 to 1, to the nearest reference or as the mean over all of them."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = SimilaritySettings

    def __init__(self, settings: SimilaritySettings) -> None:
        self.name, self.unit = settings.name, ""
        self._settings = settings
        self._references = morgan([parse(s) for s in settings.references], settings.radius, settings.bits)

    def score(self, molecules: Molecules) -> np.ndarray:
        """The similarity of each molecule."""
        values = np.full(len(molecules), NO_VALUE)
        there = [i for i, mol in enumerate(molecules) if mol is not None]
        if there:
            prints = morgan([molecules[i] for i in there], self._settings.radius, self._settings.bits)
            similarities = tanimoto(prints, self._references).astype(np.float64)
            nearest = self._settings.to == "nearest"
            values[there] = similarities.max(axis=1) if nearest else similarities.mean(axis=1)
        return values
