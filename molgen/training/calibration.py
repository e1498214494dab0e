"""Calibration: in training, a generator's own draws are held against the training molecules.

Likelihood leaves draws somewhat off in what is plain to see in the data: that all are molecules, or how heavy they are.
So the loss may have, beside the likelihood of the batch, how far the draws are from the training molecules in chosen
features f, summed over these:

    -E_data[log p(x)] + weight * sum_f KL(p(f) || p_data(f))

The gradient of the second term is the mean over draws of log(p(f) / p_data(f)) times the gradient of log p(x) (the
score function; Williams 1992), where p(f) are the shares of the step's own draws. Among the features is always whether
a draw is a molecule. The likelihood of the data keeps what the features do not see (compare the distributional policy
gradients of Khalifa et al. 2021, which need the first model's likelihoods for this).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from rdkit import Chem
from torch import Tensor

from molgen.chem.descriptors import DESCRIPTORS
from molgen.chem.moses_filters import passes
from molgen.chem.parse import BadMolecule, parse
from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.base import Loss
from molgen.training.settings import CalibrationSettings

BINS = 16  # of a property, of equal shares of the training molecules


@runtime_checkable
class Drawn(Protocol):
    """A generator whose draws have a likelihood."""

    training: bool

    def train(self, mode: bool = True) -> Any: ...

    def draw_texts(self, draws: np.ndarray, seed: int) -> list[str | None]: ...

    def log_prob(self, smiles: Sequence[str]) -> Tensor: ...


class Calibration:
    """The second term of the loss, by one feature store."""

    def __init__(self, settings: CalibrationSettings, store: Store, model: object) -> None:
        if not isinstance(model, Drawn):
            raise SettingsError("training.calibration: draws of this family have no likelihood; leave it out")
        self.settings, self.model = settings, model
        rows = store.rows("train")
        self.features = [Feature(name, store.column(name)[rows], settings.limit) for name in settings.properties]

    def loss(self, molecules: int, weight: float) -> Loss:
        """The term for a batch of so many molecules, its gradient that of the score function; and `off`, the share of
        draws that are no molecules, times the batch's `weight`."""
        seed, mode = int(torch.randint(2**31, ())), self.model.training
        with torch.no_grad():
            texts = self.model.train(False).draw_texts(np.arange(self.settings.draws), seed)
        self.model.train(mode)
        nats, good = self.off(texts)
        score = self._score(texts, nats, seed) if torch.is_grad_enabled() else torch.zeros(())
        value = float(nats.mean()) + score - score.detach()
        return Loss(self.settings.weight * molecules * value, 0.0, {"off": torch.tensor((1 - good.mean()) * weight)})

    def _score(self, texts: Sequence[str | None], nats: np.ndarray, seed: int) -> Float[Tensor, ""]:
        """Estimates mean(advantage * log p) from the draws that have most to tell of it."""
        advantage = np.where([bool(text) for text in texts], nats - nats.mean(), 0.0)
        times = systematic(np.abs(advantage), self.settings.shown, seeds.numpy_generator(seed, "shown"))
        chosen = np.flatnonzero(times)
        log_prob = self.model.log_prob([str(texts[i]) for i in chosen.tolist()])
        signs = torch.from_numpy(np.sign(advantage[chosen]) * times[chosen]).to(log_prob)
        known = torch.isfinite(log_prob)
        return (signs * log_prob)[known].sum() * float(np.abs(advantage).mean() / max(1, times.sum()))

    def off(self, texts: Sequence[str | None]) -> tuple[Float[np.ndarray, " draws"], np.ndarray]:
        """The nats that each draw is off, log p(f) / p_data(f) summed over the features; and which are molecules."""
        mols = [self._molecule(text) for text in texts]
        good = np.array([mol is not None for mol in mols])
        nats = np.where(good, 0.0, self.settings.limit)
        for feature in self.features:
            describe = DESCRIPTORS[feature.name]
            nats[good] += feature.off(np.array([describe(mol) for mol in mols if mol is not None], np.float32))
        return nats, good

    def _molecule(self, text: str | None) -> Chem.Mol | None:
        try:
            mol = parse(text) if text and "." not in text else None
        except BadMolecule:
            return None
        return None if mol is None or (self.settings.filters and not passes(mol)) else mol


class Feature:
    """The distribution of a property over the training molecules, in bins; the outer two have none of them."""

    def __init__(self, name: str, values: Float[np.ndarray, " molecules"], limit: float) -> None:
        self.name, self.limit = name, limit
        self.edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)).astype(np.float32))
        self.edges[-1] = np.nextafter(self.edges[-1], np.float32(np.inf))
        self.shares = self._shares(self._bins(values))

    def off(self, values: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
        """log p(bin) / p_data(bin) of each draw, p by these draws; at most the limit."""
        bins = self._bins(values)
        with np.errstate(divide="ignore", invalid="ignore"):
            nats = np.log(self._shares(bins) / self.shares)
        return np.minimum(nats, self.limit)[bins]

    def _bins(self, values: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.edges, values, side="right")

    def _shares(self, bins: np.ndarray) -> np.ndarray:
        return np.bincount(bins, minlength=len(self.edges) + 1) / max(1, len(bins))


def systematic(weights: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """How often each is taken, in expectation as its share of the weights times `count` (systematic sampling)."""
    ends = np.cumsum(weights)
    if not ends[-1] > 0:
        return np.zeros(len(weights), int)
    places = (np.arange(count) + generator.random()) * ends[-1] / count
    return np.bincount(
        np.minimum(np.searchsorted(ends, places, side="right"), len(weights) - 1), minlength=len(weights)
    )
