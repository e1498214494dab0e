"""What every kind of predictor gives back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]


class Predicted(NamedTuple):
    """Of each molecule: the value, or the probability of being active, and how far the model's parts disagree."""

    mean: np.ndarray
    spread: np.ndarray
