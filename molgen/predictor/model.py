"""A trained predictor: a kind with its calibration and its domain, as a folder of plain files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from rdkit import Chem

from molgen.chem.fingerprints import morgan
from molgen.chem.tanimoto import top
from molgen.core.errors import ArtifactError, InputError
from molgen.core.settings import read_yaml
from molgen.predictor.kinds import KINDS, Kind
from molgen.predictor.settings import PredictorSettings

FORMAT = 1
CONFIG, ARRAYS = "config.yaml", "arrays.safetensors"


class Predictions(NamedTuple):
    """Of each molecule, float64 (n,).

    `mean`: the value, or the probability of being active. `low`, `high`: an interval that holds the measured value with
    the predictor's confidence; with classes the probability itself, and `could_be` says which of [inactive, active]
    cannot be excluded, bool (n, 2). `similarity` to the `nearest` training molecule; `inside` the domain.
    """

    mean: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray
    could_be: np.ndarray
    similarity: np.ndarray
    nearest: np.ndarray
    inside: np.ndarray


@dataclass
class Predictor:
    """A fitted kind, what calibrates it, and its training molecules.

    Regression: `scores` are |error| / (spread + `floor`) of predictions that did not see their molecule; the interval
    is mean +- their quantile * (spread + floor) (normalised conformal; Papadopoulos et al. 2008). Classes: `scores` are
    1 - p(true class), first of the inactive, then of the active ones (`actives` many): a class is excluded where less
    than 1 - confidence of its own molecules were as odd (Mondrian conformal; Vovk et al. 2005).
    """

    kind: Kind
    settings: PredictorSettings
    target: str
    classes: bool
    threshold: float | None  # from which value on a molecule counts as active
    smiles: list[str]
    values: np.ndarray
    prints: np.ndarray
    scores: np.ndarray
    floor: float
    nearest_allowed: float  # similarity below which a molecule is outside the domain

    def predict(self, mols: list[Chem.Mol]) -> Predictions:
        """Predictions for molecules."""
        found = self.kind.predict(mols)
        close = top(morgan(mols), self.prints, 1)
        similarity = close.similarity[:, 0].astype(np.float64)
        could_be = np.ones((len(mols), 2), bool)
        low = high = found.mean
        if self.classes:
            could_be = self._not_excluded(found.mean)
        else:
            reach = conformal_quantile(self.scores, self.settings.confidence) * (found.spread + self.floor)
            low, high = found.mean - reach, found.mean + reach
        inside = similarity >= self.nearest_allowed
        return Predictions(found.mean, found.spread, low, high, could_be, similarity, close.rows[:, 0], inside)

    def trust(self, mols: list[Chem.Mol]) -> np.ndarray:
        """1 inside the domain, falling in proportion to the similarity outside of it; float64 (n,)."""
        similarity = top(morgan(mols), self.prints, 1).similarity[:, 0].astype(np.float64)
        return np.minimum(similarity / max(self.nearest_allowed, 1e-9), 1.0)

    def _not_excluded(self, active: np.ndarray) -> np.ndarray:
        inactive = int((self.values == 0).sum())
        odd = np.stack([active, 1 - active], axis=1)
        own = (np.sort(self.scores[:inactive]), np.sort(self.scores[inactive:]))
        share = [(len(s) - np.searchsorted(s, odd[:, c], side="left") + 1) / (len(s) + 1) for c, s in enumerate(own)]
        return np.stack(share, axis=1) > 1 - self.settings.confidence

    def save(self, folder: Path) -> None:
        """Writes config.yaml and arrays.safetensors into an existing folder."""
        from safetensors.numpy import save_file

        config = {
            "format": FORMAT,
            "predictor": self.settings.values(),
            "target": self.target,
            "classes": self.classes,
            "threshold": self.threshold,
            "floor": self.floor,
            "nearest_allowed": self.nearest_allowed,
            "smiles": self.smiles,
        }
        (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        own = {f"kind.{name}": np.ascontiguousarray(values) for name, values in self.kind.arrays().items()}
        save_file(own | {"values": self.values, "prints": self.prints, "scores": self.scores}, folder / ARRAYS)

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """The predictor of a folder; an error that says what is wrong with it."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        if not (folder / CONFIG).is_file():
            raise InputError(f"{folder}: not a predictor: no {CONFIG} in it; `molgen predictor train` makes one")
        values: dict[str, Any] = read_yaml(folder / CONFIG)
        if values.get("format") != FORMAT or "predictor" not in values:
            raise ArtifactError(f"{folder}: not a predictor that this molgen can read; train it again")
        try:
            arrays = load_file(folder / ARRAYS)
            settings = PredictorSettings.parse(values["predictor"], where=f"{folder}/{CONFIG}")
            own = {name.removeprefix("kind."): a for name, a in arrays.items() if name.startswith("kind.")}
            kind: Kind = KINDS[settings.kind].of_arrays(own)
            return cls(
                kind,
                settings,
                str(values["target"]),
                bool(values["classes"]),
                values["threshold"],
                list(values["smiles"]),
                arrays["values"],
                arrays["prints"],
                arrays["scores"],
                float(values["floor"]),
                float(values["nearest_allowed"]),
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{folder}: not a whole predictor ({error}); train or copy it again") from None


def conformal_quantile(scores: np.ndarray, confidence: float) -> float:
    """The ceil((n + 1) * confidence)-th smallest score; the largest where that is more than there are."""
    place = int(np.ceil((len(scores) + 1) * confidence))
    return float(np.sort(scores)[min(place, len(scores)) - 1])
