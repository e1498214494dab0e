"""Preference component: how likely a chemist would take a molecule over a middling one of those she has judged.

A linear Bradley-Terry model (Bradley and Terry, Biometrika 1952, 39, 324): P(a over b) = sigmoid(s(a) - s(b)), with
s linear in Morgan bits and properties. `molgen feedback` learns it from the decisions of a review.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from rdkit import Chem
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from molgen.chem.descriptors import properties
from molgen.chem.fingerprints import morgan_bits
from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError
from molgen.core.tables import PROPERTIES
from molgen.scoring.component import BOUNDS, FAILURES, NO_VALUE, ComponentSettings, Molecules
from molgen.scoring.reference import ReferenceFile

WEIGHTS = "weights.safetensors"
BITS = 1024


@dataclass(frozen=True)
class Preference:
    """The model. `weights` are those of `features`, float64 (BITS + properties,); `mean` and `scale` standardise the
    properties; `middle` is the median s of the molecules that were judged."""

    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    middle: float

    def strength(self, mols: Sequence[Chem.Mol]) -> np.ndarray:
        """s of each molecule, float64: only differences mean something."""
        return features(mols, self.mean, self.scale) @ self.weights

    def probability(self, mols: Sequence[Chem.Mol]) -> np.ndarray:
        """Probability, 0 to 1, that each would be taken over a middling judged molecule."""
        return 1 / (1 + np.exp(self.middle - self.strength(mols)))

    def save(self, folder: Path) -> None:
        """Writes the weights into a folder."""
        arrays = {"weights": self.weights, "mean": self.mean, "scale": self.scale, "middle": np.array([self.middle])}
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Preference:
        """The model in a folder; an InputError if it holds none."""
        try:
            found = load_file(folder / WEIGHTS)
            model = cls(found["weights"], found["mean"], found["scale"], float(found["middle"][0]))
        except (OSError, NotADirectoryError):
            raise InputError(f"{folder}: no preference model; `molgen feedback` makes one") from None
        except (SafetensorError, KeyError, IndexError) as error:
            raise ArtifactError(f"{folder}: not a whole preference model ({error}); make it again") from None
        if model.weights.shape != (BITS + len(PROPERTIES),) or model.mean.shape != model.scale.shape:
            raise ArtifactError(f"{folder}: a preference model of another version; make it again")
        return model


def features(mols: Sequence[Chem.Mol], mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Morgan bits (radius 2, each a quarter, so that a usual molecule's have length 1.5 or so) beside standardised
    properties: float64 (n, BITS + properties)."""
    return standardised(morgan_bits(mols, bits=BITS), values_of(mols), mean, scale)


def values_of(mols: Sequence[Chem.Mol]) -> np.ndarray:
    """The properties of molecules, float64 (n, properties)."""
    return np.array([properties(mol) for mol in mols], np.float64).reshape(len(mols), len(PROPERTIES))


def standardised(bits: np.ndarray, values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """`features` from bits and properties."""
    return np.hstack([bits / 4.0, np.clip((values - mean) / scale, -5, 5)])


class PreferenceSettings(ComponentSettings):
    """`model_file`: the folder that `molgen feedback` wrote."""

    model_file: ReferenceFile


class PreferenceScore:
    """The probability that a molecule would be taken over a middling judged one, 0 to 1."""

    unit_range: ClassVar[bool] = True
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = PreferenceSettings
    meaning = "probability that the chemists would take it over a middling molecule they have judged, 0 to 1"
    usual = (0.0, 1.0)

    def __init__(self, settings: PreferenceSettings) -> None:
        self.name, self.unit = settings.name, ""
        self._model = _loaded(settings.model_file.path, settings.model_file.sha256)

    def score(self, molecules: Molecules) -> np.ndarray:
        """The probability of each molecule; none where RDKit has no value for it."""
        values = np.full(len(molecules), NO_VALUE)
        for i, mol in enumerate(molecules):
            if mol is not None:
                try:
                    values[i] = self._model.probability([mol])[0]
                except FAILURES:
                    continue
        return values


@lru_cache(maxsize=8)
def _loaded(path: str, sha256: str) -> Preference:
    folder = Path(path)
    if fingerprint(folder) != sha256:
        raise InputError(f"{folder}: changed since the objective was read; run the same command again")
    return Preference.load(folder)
