"""Predictor component: the value that a trained property model predicts, trusted only near what it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules
from molgen.scoring.reference import ReferenceFile


class Folder(ReferenceFile):
    """A predictor's folder and the hash of its content."""

    @model_validator(mode="before")
    @classmethod
    def _there(cls, values: Any) -> Any:
        if isinstance(values, str) and not (Path(values) / "config.yaml").is_file():
            raise ValueError(f"{values}: not a predictor; `molgen predictor train` makes one")
        return values


class PredictorComponentSettings(ComponentSettings):
    """`predictor_file`: the folder of a predictor, beside the objective. `penalty: false` trusts it everywhere."""

    predictor_file: Folder
    penalty: bool = True


class PredictorComponent:
    """The predicted value, or the probability of being active.

    With the penalty, the desirability of a molecule outside the predictor's domain is multiplied by its similarity to
    the nearest training molecule over the domain's limit: a high value far from all that a model has seen is most often
    its own error.
    """

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = PredictorComponentSettings

    def __init__(self, settings: PredictorComponentSettings) -> None:
        from molgen.predictor.model import Predictor

        self.name, self.unit = settings.name, ""
        self._predictor, self._penalty = Predictor.load(Path(settings.predictor_file.path)), settings.penalty
        kind, target = self._predictor.settings.kind, self._predictor.target
        what = "probability of being active in" if self._predictor.classes else "predicted"
        self.meaning = f"{what} {target!r} ({kind}, {len(self._predictor.smiles):,} training molecules)"
        values = self._predictor.values
        self.usual = (0.0, 1.0) if self._predictor.classes else tuple(np.quantile(values, [0.005, 0.995]).tolist())

    def score(self, molecules: Molecules) -> np.ndarray:
        """The predicted value of each molecule."""
        return self._of_those_there(molecules, NO_VALUE, lambda mols: self._predictor.kind.predict(mols).mean)

    def trust(self, molecules: Molecules) -> np.ndarray:
        """What the desirability of each molecule is multiplied by, 0 to 1."""
        if not self._penalty:
            return np.ones(len(molecules))
        return self._of_those_there(molecules, 1.0, self._predictor.trust)

    @staticmethod
    def _of_those_there(molecules: Molecules, otherwise: float, function: Any) -> np.ndarray:
        out = np.full(len(molecules), otherwise)
        there = [(i, mol) for i, mol in enumerate(molecules) if mol is not None]
        if there:
            out[[i for i, _ in there]] = function([mol for _, mol in there])
        return out
