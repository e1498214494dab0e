"""Trees of scikit-learn as flat arrays, which are stored and read without running anyone's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

ROWS = 256  # molecules that are followed through the trees at a time


class Trees(NamedTuple):
    """Trees laid end to end: a node goes left where feature <= threshold; a leaf is its own child."""

    left: np.ndarray  # int32 (nodes,)
    right: np.ndarray
    feature: np.ndarray  # int32
    threshold: np.ndarray  # float64
    value: np.ndarray  # float64, of a leaf
    roots: np.ndarray  # int32 (trees,)

    @classmethod
    def joined(cls, parts: Sequence[tuple[np.ndarray, ...]]) -> Self:
        """From (left, right, feature, threshold, value) of each tree, -1 or 0 for the children of a leaf."""
        sizes = np.array([len(part[0]) for part in parts])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        columns: list[list[np.ndarray]] = [[], [], [], [], []]
        for root, (left, right, feature, threshold, value) in zip(roots, parts, strict=True):
            own, leaf = np.arange(len(left)), left <= 0
            columns[0].append(np.where(leaf, own, left) + root)
            columns[1].append(np.where(leaf, own, right) + root)
            columns[2].append(np.where(leaf, 0, feature))
            columns[3].append(np.where(leaf, np.inf, threshold))
            columns[4].append(value)
        whole = [np.concatenate(column) for column in columns]
        left, right, feature = (whole[place].astype(np.int32) for place in range(3))
        threshold, value = (whole[place].astype(np.float64) for place in (3, 4))
        return cls(left, right, feature, threshold, value, roots.astype(np.int32))

    @classmethod
    def of_forest(cls, forest: Any) -> Self:
        """Of a fitted RandomForestRegressor, or of a RandomForestClassifier of two classes (the second's share)."""
        parts = []
        for estimator in forest.estimators_:
            tree = estimator.tree_
            value = tree.value[:, 0, 0] if tree.value.shape[2] == 1 else tree.value[:, 0, 1] / tree.value[:, 0].sum(1)
            parts.append((tree.children_left, tree.children_right, tree.feature, tree.threshold, value))
        return cls.joined(parts)

    @classmethod
    def of_boosting(cls, booster: Any) -> Self:
        """Of a fitted HistGradientBoosting model of one output."""
        nodes = [step[0].nodes for step in booster._predictors]  # no public way; a test holds this to its predictions
        return cls.joined(
            [
                (
                    np.where(n["is_leaf"], 0, n["left"]).astype(np.int64),
                    np.where(n["is_leaf"], 0, n["right"]).astype(np.int64),
                    n["feature_idx"],
                    n["num_threshold"],
                    n["value"],
                )
                for n in nodes
            ]
        )

    def each(self, x: np.ndarray) -> np.ndarray:
        """The value of each tree for rows of features: float64 (n, trees)."""
        out = np.empty((len(x), len(self.roots)))
        for start in range(0, len(x), ROWS):
            part = x[start : start + ROWS]
            rows = np.arange(len(part))[:, None]
            node = np.broadcast_to(self.roots, (len(part), len(self.roots)))
            while True:
                goes = part[rows, self.feature[node]] <= self.threshold[node]
                following = np.where(goes, self.left[node], self.right[node])
                if (following == node).all():
                    break
                node = following
            out[start : start + ROWS] = self.value[node]
        return out
