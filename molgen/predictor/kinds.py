"""The kinds of predictors: each is fitted to molecules, predicts, and is a handful of arrays.

All of them predict a mean and a spread for each molecule (how far its parts disagree), and give for each training
molecule a prediction that did not see it, from which intervals are calibrated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from rdkit import Chem

from molgen.chem.fingerprints import morgan_counts, morgan_places
from molgen.core import seeds
from molgen.predictor.features import features, without_each_atom
from molgen.predictor.folds import folds_of
from molgen.predictor.network import Network
from molgen.predictor.predicted import Arrays, Predicted
from molgen.predictor.settings import PredictorSettings
from molgen.predictor.trees import Trees


class Kind(Protocol):
    """A fitted model."""

    @classmethod
    def fit(
        cls, mols: list[Chem.Mol], y: np.ndarray, classes: bool, settings: PredictorSettings, seed: int
    ) -> tuple[Self, Predicted]:
        """The model, and the predictions for the training molecules by parts of it that did not see them."""
        ...

    def predict(self, mols: list[Chem.Mol]) -> Predicted: ...

    def attributions(self, mol: Chem.Mol) -> np.ndarray:
        """How much lower the prediction is without the environments that hold each atom, float64 (atoms,)."""
        ...

    def arrays(self) -> Arrays: ...

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self: ...


class Forest:
    """A random forest; its out-of-bag predictions calibrate (Breiman 2001; Johansson et al. 2014)."""

    name: ClassVar[str] = "forest"

    def __init__(self, trees: Trees) -> None:
        self.trees = trees

    @classmethod
    def fit(
        cls, mols: list[Chem.Mol], y: np.ndarray, classes: bool, settings: PredictorSettings, seed: int
    ) -> tuple[Self, Predicted]:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        family = RandomForestClassifier if classes else RandomForestRegressor
        state = seeds.child(seed, "forest") % 2**32
        forest = family(settings.trees, max_features=settings.features, random_state=state, n_jobs=1)
        x = features(mols)
        forest.fit(x, y)
        model = cls(Trees.of_forest(forest))
        each, out = model.trees.each(x), np.ones((len(y), settings.trees), bool)
        for tree, drawn in enumerate(forest.estimators_samples_):
            out[drawn, tree] = False
        out[~out.any(axis=1)] = True  # in every bag, with very few trees
        weights = out / out.sum(axis=1, keepdims=True)
        mean = (each * weights).sum(axis=1)
        return model, Predicted(mean, np.sqrt(((each - mean[:, None]) ** 2 * weights).sum(axis=1)))

    def predict(self, mols: list[Chem.Mol]) -> Predicted:
        each = self.trees.each(features(mols))
        return Predicted(each.mean(axis=1), each.std(axis=1))

    def attributions(self, mol: Chem.Mol) -> np.ndarray:
        value = self.trees.each(without_each_atom(mol)).mean(axis=1)
        return value[0] - value[1:]

    def arrays(self) -> Arrays:
        return self.trees._asdict()

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls(Trees(**{name: arrays[name] for name in Trees._fields}))


class Boosted:
    """Gradient-boosted trees: one model without each fold, whose mean predicts (cross-conformal; Vovk 2015)."""

    name: ClassVar[str] = "boosted"

    def __init__(self, members: list[Trees], base: np.ndarray, classes: bool) -> None:
        self.members, self.base, self.classes = members, base, classes

    @classmethod
    def fit(
        cls, mols: list[Chem.Mol], y: np.ndarray, classes: bool, settings: PredictorSettings, seed: int
    ) -> tuple[Self, Predicted]:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        family: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        x, unseen = features(mols), np.zeros(len(y))
        members, base = [], []
        for number, fold in enumerate(folds_of(y, classes, settings.folds, seed)):
            rest = np.setdiff1d(np.arange(len(y)), fold)
            state = seeds.child(seed, "boosted", number) % 2**32
            booster = family(
                max_iter=settings.trees,
                learning_rate=settings.learning_rate,
                max_leaf_nodes=15,
                min_samples_leaf=5,
                max_features=settings.features,
                early_stopping=False,
                random_state=state,
            )
            booster.fit(x[rest], y[rest])
            members.append(Trees.of_boosting(booster))
            base.append(float(np.ravel(booster._baseline_prediction)[0]))
            unseen[fold] = cls([members[-1]], np.array(base[-1:]), classes).predict_features(x[fold]).mean
        model = cls(members, np.array(base), classes)
        return model, Predicted(unseen, model.predict_features(x).spread)

    def predict_features(self, x: np.ndarray) -> Predicted:
        each = np.stack([t.each(x).sum(axis=1) + b for t, b in zip(self.members, self.base, strict=True)])
        each = 1 / (1 + np.exp(-each)) if self.classes else each
        return Predicted(each.mean(axis=0), each.std(axis=0))

    def predict(self, mols: list[Chem.Mol]) -> Predicted:
        return self.predict_features(features(mols))

    def attributions(self, mol: Chem.Mol) -> np.ndarray:
        value = self.predict_features(without_each_atom(mol)).mean
        return value[0] - value[1:]

    def arrays(self) -> Arrays:
        found: Arrays = {"base": self.base, "classes": np.array([self.classes])}
        for number, trees in enumerate(self.members):
            found |= {f"{number}.{name}": values for name, values in trees._asdict().items()}
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        members = [
            Trees(**{name: arrays[f"{number}.{name}"] for name in Trees._fields})
            for number in range(len(arrays["base"]))
        ]
        return cls(members, arrays["base"], bool(arrays["classes"][0]))


class Bayes:
    """Laplacian-corrected naive Bayes on ECFP4 environments (Xia et al., J. Med. Chem. 2004, 47, 4463); classes only.

    An environment in A of the T molecules that have it, where a share p of all is active, weighs
    log((A + 1) / (T p + 1)); a molecule's sum becomes a probability by a logistic curve of out-of-fold sums (Platt).
    """

    name: ClassVar[str] = "bayes"

    def __init__(self, keys: np.ndarray, weights: np.ndarray, curve: np.ndarray) -> None:
        self.keys, self.weights, self.curve = keys, weights, curve
        self._weights = dict(zip(keys.tolist(), weights.tolist(), strict=True))

    @classmethod
    def fit(
        cls, mols: list[Chem.Mol], y: np.ndarray, classes: bool, settings: PredictorSettings, seed: int
    ) -> tuple[Self, Predicted]:
        if not classes:
            from molgen.core.errors import SettingsError

            raise SettingsError("kind = bayes: it tells classes apart; give active=VALUE, or another kind")
        from sklearn.linear_model import LogisticRegression

        keys = [list(morgan_counts(mol)) for mol in mols]
        sums = np.zeros(len(y))
        for fold in folds_of(y, True, settings.folds, seed):
            rest = np.setdiff1d(np.arange(len(y)), fold)
            table = _weights([keys[i] for i in rest], y[rest])
            sums[fold] = [sum(table.get(k, 0.0) for k in keys[i]) for i in fold]
        logistic = LogisticRegression().fit(sums[:, None], y)
        curve = np.array([float(logistic.coef_[0, 0]), float(logistic.intercept_[0])])
        table = _weights(keys, y)
        model = cls(np.array(list(table), np.int64), np.array(list(table.values())), curve)
        return model, model._probability(sums)

    def _probability(self, sums: np.ndarray) -> Predicted:
        p = 1 / (1 + np.exp(-(self.curve[0] * sums + self.curve[1])))
        return Predicted(p, np.sqrt(p * (1 - p)))

    def predict(self, mols: list[Chem.Mol]) -> Predicted:
        return self._probability(np.array([sum(self._weights.get(k, 0.0) for k in morgan_counts(m)) for m in mols]))

    def attributions(self, mol: Chem.Mol) -> np.ndarray:
        counted = dict.fromkeys(morgan_counts(mol), 0)
        gone: list[Counter[int]] = [Counter() for _ in range(mol.GetNumAtoms())]
        for key, atoms in morgan_places(mol):
            counted[key] += 1
            for atom in atoms:
                gone[atom][key] += 1
        kept = [[key for key in counted if counted[key] > own[key]] for own in gone]
        sums = np.array([sum(self._weights.get(key, 0.0) for key in keys) for keys in [list(counted), *kept]])
        value = self._probability(sums).mean
        return value[0] - value[1:]

    def arrays(self) -> Arrays:
        return {"keys": self.keys, "weights": self.weights, "curve": self.curve}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls(arrays["keys"], arrays["weights"], arrays["curve"])


KINDS: dict[str, type[Kind]] = {"forest": Forest, "boosted": Boosted, "bayes": Bayes, "network": Network}


def _weights(keys: list[list[int]], y: np.ndarray) -> dict[int, float]:
    seen: dict[int, list[float]] = {}
    for own, active in zip(keys, y.tolist(), strict=True):
        for key in own:
            counts = seen.setdefault(key, [0.0, 0.0])
            counts[0] += active
            counts[1] += 1
    share = float(y.mean())
    return {key: float(np.log((a + 1) / (t * share + 1))) for key, (a, t) in sorted(seen.items())}
