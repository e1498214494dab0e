"""Shape component: how well a molecule fills the volume of a reference in 3D. Slow: conformers are made for each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator
from rdkit import Chem

from molgen.chem.parse import parse
from molgen.chem.shape import conformers, shape_similarity
from molgen.core.errors import SettingsError
from molgen.core.seeds import child
from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules, each
from molgen.scoring.similarity import parsed


class ShapeSettings(ComponentSettings):
    """`references` are SMILES, or `references_file` in an objective file; their conformers are made as the others'."""

    references: tuple[str, ...] = Field(min_length=1)
    conformers: int = Field(default=5, ge=1, le=200)  # of each molecule; the best fit counts
    seed: int = Field(default=0, ge=0)
    max_atoms: int = Field(default=70, ge=1)  # heavy atoms; embedding a larger molecule can take minutes

    _parsed = field_validator("references")(parsed)


class Shape:
    """Shape Tanimoto to the nearest reference, 0 to 1, over conformers; no value for a molecule without a conformer."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = ShapeSettings
    meaning = "3D shape Tanimoto to the nearest reference, best over conformers, 0 to 1"
    usual = (0.2, 1.0)

    def __init__(self, settings: ShapeSettings) -> None:
        self.name, self.unit = settings.name, ""
        self._settings = settings
        self._references = [self._reference(smiles) for smiles in settings.references]

    def score(self, molecules: Molecules) -> np.ndarray:
        """The similarity of each molecule."""
        return each(self._similarity, molecules)

    def _reference(self, smiles: str) -> Chem.Mol:
        found = self._embedded(parse(smiles))
        if found is None:
            raise SettingsError(
                f"component {self.name!r}: reference {smiles[:80]!r} has no conformer; "
                f"leave it out, or raise max_atoms = {self._settings.max_atoms}"
            )
        return found

    def _embedded(self, mol: Chem.Mol) -> Chem.Mol | None:
        if mol.GetNumHeavyAtoms() > self._settings.max_atoms:
            return None
        return conformers(mol, self._settings.conformers, child(self._settings.seed, "shape"))

    def _similarity(self, mol: Chem.Mol) -> float:
        embedded = self._embedded(mol)
        return NO_VALUE if embedded is None else max(shape_similarity(embedded, self._references))
