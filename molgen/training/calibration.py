"""Calibration: in training, a generator's own draws are held against the training molecules.

Likelihood leaves draws somewhat off in what is plain to see in the data: that all are molecules, or how heavy they are.
So the loss may have, beside the likelihood of the batch, how far the draws are from the training molecules in chosen
features f, summed over these:

    -E_data[log p(x)] + weight * sum_f KL(p(f) || p_data(f))

The gradient of the second term is the mean over draws of log(p(f) / p_data(f)) times the gradient of log p(x) (the
score function; Williams 1992), where p(f) are the shares of the step's own draws. Among the features is always whether
a draw is a molecule. The likelihood of the data keeps what the features do not see (compare the distributional policy
gradients of Khalifa et al. 2021, which need the first model's likelihoods for this). A third term, on demand, is that
of further draws, which are asked for properties of training molecules: how far they are from what was asked.
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
from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.base import Loss
from molgen.generators.texts import molecule
from molgen.nn.conditions import Conditions, some_given
from molgen.training.settings import CalibrationSettings

BINS = 16  # of a property, of equal shares of the training molecules


@runtime_checkable
class Drawn(Protocol):
    """A generator whose draws have a likelihood; `asked` are each one's own values of the model's conditions."""

    training: bool
    conditions: Conditions | None

    def train(self, mode: bool = True) -> Any: ...

    def draw_texts(self, draws: np.ndarray, seed: int, *, asked: np.ndarray | None = None) -> list[str | None]: ...

    def log_prob(self, smiles: Sequence[str], *, asked: np.ndarray | None = None) -> Tensor: ...


class Calibration:
    """The second term of the loss, by one feature store."""

    def __init__(self, settings: CalibrationSettings, store: Store, model: object) -> None:
        if not isinstance(model, Drawn):
            raise SettingsError("training.calibration: draws of this family have no likelihood; leave it out")
        self.settings, self.model = settings, model
        rows = store.rows("train")
        self.features = [Feature(name, store.column(name)[rows], settings.limit) for name in settings.properties]
        self.asking = Asking(settings, model.conditions, store, rows) if settings.asked else None

    def loss(self, molecules: int, weight: float) -> Loss:
        """The term for a batch of so many molecules, its gradient that of the score function; and `off`, the share of
        draws that are no molecules, times the batch's `weight`."""
        seed = int(torch.randint(2**31, ()))
        texts = self._drawn(self.settings.draws, seed, None)
        mols = [self._molecule(text) for text in texts]
        value = self._mean(texts, self.off(mols), seed, None)
        if self.asking is not None:
            wishes = self.asking.wishes()
            asked = self._drawn(len(wishes), seeds.child(seed, "asked"), wishes)
            value = value + self._mean(asked, self.asking.off([self._molecule(t) for t in asked], wishes), seed, wishes)
        share = sum(mol is None for mol in mols) / len(mols)
        return Loss(self.settings.weight * molecules * value, 0.0, {"off": torch.tensor(share * weight)})

    def _drawn(self, count: int, seed: int, asked: np.ndarray | None) -> list[str | None]:
        mode = self.model.training
        with torch.no_grad():
            texts: list[str | None] = self.model.train(False).draw_texts(np.arange(count), seed, asked=asked)
        self.model.train(mode)
        return texts

    def _mean(
        self, texts: Sequence[str | None], nats: np.ndarray, seed: int, asked: np.ndarray | None
    ) -> Float[Tensor, ""]:
        """The mean of `nats` over draws; its gradient is mean(advantage * log p), estimated from the draws that have
        most to tell of it."""
        if not torch.is_grad_enabled():
            return torch.tensor(float(nats.mean()))
        advantage = np.where([bool(text) for text in texts], nats - nats.mean(), 0.0)
        times = systematic(np.abs(advantage), self.settings.shown, seeds.numpy_generator(seed, "shown"))
        chosen = np.flatnonzero(times)
        shown = [str(texts[i]) for i in chosen.tolist()]
        log_prob = self.model.log_prob(shown, asked=None if asked is None else asked[chosen])
        signs = torch.from_numpy(np.sign(advantage[chosen]) * times[chosen]).to(log_prob)
        known = torch.isfinite(log_prob)
        score = (signs * log_prob)[known].sum() * float(np.abs(advantage).mean() / max(1, times.sum()))
        return float(nats.mean()) + score - score.detach()

    def off(self, mols: Sequence[Chem.Mol | None]) -> Float[np.ndarray, " draws"]:
        """The nats that each draw is off, log p(f) / p_data(f) summed over the features."""
        good = np.array([mol is not None for mol in mols])
        nats = np.where(good, 0.0, self.settings.limit)
        for feature in self.features:
            nats[good] += feature.off(_values(feature.name, mols)[good])
        return nats

    def _molecule(self, text: str | None) -> Chem.Mol | None:
        mol = molecule(text)
        return None if mol is None or (self.settings.filters and not passes(mol)) else mol


class Asking:
    """Draws that are asked for properties of training molecules, any of them, and how far they are from these."""

    def __init__(
        self, settings: CalibrationSettings, conditions: Conditions | None, store: Store, rows: np.ndarray
    ) -> None:
        if conditions is None:
            raise SettingsError("training.calibration.asked: this model knows no conditions; leave it out")
        self.settings, self.names = settings, conditions.names
        self.values = np.column_stack([store.column(name)[rows] for name in self.names])
        self.spreads = settings.spread * np.nanstd(self.values, axis=0)

    def wishes(self) -> Float[np.ndarray, "draws conditions"]:
        """Properties of so many training molecules, some not asked for (nan), by torch's generator."""
        rows = torch.randint(len(self.values), (self.settings.asked,)).numpy()
        return some_given(self.values[rows], 0.0)

    def off(self, mols: Sequence[Chem.Mol | None], wishes: np.ndarray) -> Float[np.ndarray, " draws"]:
        """Squared differences in units of two squared spreads, summed over what was asked; at most the limit."""
        found = np.column_stack([_values(name, mols) for name in self.names])
        nats = np.nansum(np.square((found - wishes) / self.spreads) / 2, axis=1)
        good = np.array([mol is not None for mol in mols])
        return np.where(good, np.minimum(nats, self.settings.limit), self.settings.limit)


def _values(name: str, mols: Sequence[Chem.Mol | None]) -> Float[np.ndarray, " draws"]:
    """A property of each molecule as a feature store has it, nan where there is none."""
    return np.array([np.nan if mol is None else DESCRIPTORS[name](mol) for mol in mols], np.float32)


class Feature:
    """The distribution of a property over the training molecules, in bins; the outer two have none of them."""

    def __init__(self, name: str, values: Float[np.ndarray, " molecules"], limit: float) -> None:
        self.name, self.limit = name, limit
        values = values[np.isfinite(values)]
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
