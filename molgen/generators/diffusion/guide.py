"""The family `graph-diffusion-guide`: what the properties of a noisy graph's molecule will be, as normal distributions.

It is trained for one `graph-diffusion` model, on that model's classes and noise, and steers its draws (`tilt`). Mean
and log-variance of each property are sums over the nodes and pairs of what a graph transformer says of them; the
variance is wide where the graph is mostly noise (Kendall & Gal 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from molgen.core.errors import SettingsError, nearest
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.base import Loss, NeuralGenerator
from molgen.generators.diffusion.atoms import AtomLevel
from molgen.generators.diffusion.batches import Noised, Noises, Wishes, by_size, noised_batch
from molgen.generators.diffusion.dense import Graphs, pairs_of, square
from molgen.generators.diffusion.fragments import FragmentLevel
from molgen.generators.diffusion.level import Level
from molgen.generators.diffusion.network import network_of
from molgen.generators.diffusion.noise import Distributions, Noise
from molgen.generators.diffusion.settings import GuideConfig
from molgen.generators.diffusion.tilt import Tilt, log_ratios
from molgen.generators.folder import content, load_model, model_folder

NAME = "graph-diffusion-guide"
LOG_VARIANCE = (-6.0, 2.0)  # least and most: a standard deviation of 0.05 to 2.7 of the training molecules'
SHARE = 0.1  # what a node counts for: properties add up over some ten to thirty of them


class Scale(NamedTuple):
    """Mean and standard deviation of a property over the training molecules."""

    mean: float
    deviation: float


class Guide(NeuralGenerator):
    """A predictor of properties from noisy graphs."""

    name: ClassVar[str] = NAME
    guides: ClassVar[str | None] = "graph-diffusion"
    compiles: ClassVar[tuple[str, ...]] = ("network",)
    Config: ClassVar[type[Settings]] = GuideConfig
    config: GuideConfig

    def __init__(self, config: GuideConfig, level: Level, noises: Noises, scales: Mapping[str, Scale]) -> None:
        super().__init__()
        self.config, self.level, self.noises, self.scales = config, level, noises, dict(scales)
        self.network = network_of(level, config, told=2 * len(self.scales))
        self.swapped = None if level.swapped is None else torch.tensor(level.swapped)

    @classmethod
    def build(cls, config: Settings, store: Store, guided: Any = None) -> Self:
        """A guide for a `graph-diffusion` model, of properties of the store."""
        assert isinstance(config, GuideConfig)
        rows = store.rows("train")
        scales = {name: _scale(store.column(name)[rows]) for name in config.properties or store.property_names}
        if not scales:
            raise SettingsError(f"{store.folder}: no properties in it; prepare without --no-properties")
        return cls(config, guided.level, guided.noises, scales)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        config = GuideConfig.parse(values["settings"], where="config.yaml")
        level: Level = (FragmentLevel if values["level"] == "fragment" else AtomLevel).from_values(values)
        noises = Noises(*(Noise(values["counts"][kind]) for kind in Noises._fields))
        return cls(config, level, noises, {name: Scale(*scale) for name, scale in values["scales"].items()})

    def config_values(self) -> dict[str, Any]:
        return {
            "settings": self.config.values(),
            "level": "fragment" if isinstance(self.level, FragmentLevel) else "atom",
            "counts": {kind: noise.counts for kind, noise in self.noises._asdict().items()},
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            **self.level.values(),
        }

    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        return rows[self.level.sizes(store, rows) > 0]

    def row_batches(self, store: Store, rows: np.ndarray, size: int) -> list[np.ndarray]:
        sizes = self.level.sizes(store, rows)
        return [rows[places] for places in by_size(sizes, most=size, edges=self.config.batch_edges)]

    def collate(self, store: Store, rows: np.ndarray) -> list[Noised]:
        """Noisy graphs of each size with the properties of their molecules, standardised (nan: unknown)."""

        def properties(some: np.ndarray) -> Tensor:
            columns = [(store.column(name)[some] - scale.mean) / scale.deviation for name, scale in self.scales.items()]
            return torch.from_numpy(np.column_stack(columns).astype(np.float32))

        return noised_batch(self.level, self.noises, store, rows, properties, repeat=not self.training)

    def loss(self, batch: list[Noised]) -> Loss:
        """Nats of the properties, each in units of its standard deviation; divided by the graphs.

        The parts are the squared errors of the means: 1 where nothing is known but the training mean.
        """
        found = [self.predicted(group.noisy, group.time) for group in batch]
        mean, log_variance = (torch.cat(part) for part in zip(*found, strict=True))
        asked = torch.cat([group.codes for group in batch if group.codes is not None])
        known = asked.isfinite()
        square_error = torch.where(known, asked - mean, 0.0).square()
        nats = torch.where(known, 0.5 * (log_variance + square_error * (-log_variance).exp()), 0.0)
        parts = dict(zip(self.scales, square_error.detach().sum(0), strict=True))
        return Loss(nats.sum(), len(asked), parts)

    def predicted(self, graphs: Graphs, time: Float[Tensor, "batch 1"]) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of each property, (batch, properties), standardised, in float32 or better."""
        return self._summed(*self.network(graphs.nodes, square(graphs, self._swapped(time)), time.squeeze(1)))

    def _summed(self, nodes: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        precise = torch.promote_types(nodes.dtype, torch.float32)
        each = nodes.to(precise) + edges.to(precise).mean(2)
        mean, log_variance = (SHARE * each.sum(1)).chunk(2, -1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def tilt(self, wishes: Wishes) -> Tilt:
        """The log-ratios of jumps for draws of which these properties are asked."""
        unknown = sorted(set(wishes) - set(self.scales))
        if unknown:
            raise SettingsError(
                f"condition.{unknown[0]}: not what this predictor knows{nearest(unknown[0], self.scales)}"
            )
        scales = [self.scales[name] for name in wishes]
        values = [(value - s.mean) / s.deviation for value, s in zip(wishes.values(), scales, strict=True)]
        target = torch.from_numpy(np.column_stack(values)).to(self.device)
        columns = [list(self.scales).index(name) for name in wishes]

        def tilt(graphs: Graphs, time: Tensor) -> tuple[Distributions, Distributions]:
            with torch.inference_mode(False), torch.enable_grad():  # draws are made in inference mode
                mean, variance, slopes = self._slopes(Graphs(*(part.clone() for part in graphs)), time.clone(), columns)
            wanted = target.to(mean.dtype)
            error = torch.where(wanted.isfinite(), mean - wanted, 0.0)
            variance = torch.where(wanted.isfinite(), variance, inf)
            nodes, pairs = (
                log_ratios([slope[k] for slope in slopes], state, error, variance) for k, state in enumerate(graphs)
            )
            return nodes, pairs

        return tilt

    def _slopes(
        self, graphs: Graphs, time: Tensor, columns: Sequence[int]
    ) -> tuple[Tensor, Tensor, list[tuple[Distributions, Distributions]]]:
        """Means and variances of some properties, and each mean's gradient with respect to one-hot nodes and pairs.

        The gradient with respect to a one-hot vector is that with respect to its embedding, times the embeddings. A
        pair stands in the matrix twice, and each class of it as `swapped` on the other side.
        """
        network, swapped = self.network, self._swapped(time)
        given = [part.detach().requires_grad_() for part in network.embedded(graphs.nodes, square(graphs, swapped))]
        mean, log_variance = self._summed(*network.from_embedded(given[0], given[1], time.squeeze(1)))
        slopes = []
        for k in columns:
            x, e = torch.autograd.grad(mean[:, k].sum(), given, retain_graph=True)
            edges = e @ network.edges.embedding.weight[: network.loop].T
            back = pairs_of(edges.transpose(1, 2))
            pairs = pairs_of(edges) + (back if swapped is None else back[..., swapped])
            slopes.append(((x @ network.nodes.embedding.weight.T).to(mean.dtype), pairs.to(mean.dtype)))
        detached = mean.detach()[:, columns], log_variance.detach()[:, columns].exp()
        return *detached, [(nodes.detach(), pairs.detach()) for nodes, pairs in slopes]

    def _swapped(self, like: Tensor) -> Tensor | None:
        return None if self.swapped is None else self.swapped.to(like.device)


def read_guide(folder: str, level: Level, noises: Noises, like: Tensor) -> Guide:
    """The guide of a folder, on the device and in the precision of `like`, for a model of this level and noise.

    A SettingsError if it is none, or was trained for a model of other classes.
    """
    found = _loaded(folder, content(model_folder(folder)), like.device, like.dtype)
    if not isinstance(found, Guide):
        raise SettingsError(f"predictor: {folder} is a {found.name!r} model; train one with `molgen guide`")
    own = (type(found.level), found.level.values(), [noise.counts for noise in found.noises])
    if own != (type(level), level.values(), [noise.counts for noise in noises]):
        raise SettingsError(f"predictor: {folder} was trained for a model of other classes; train one for this model")
    return found


@lru_cache(maxsize=1)
def _loaded(folder: str, key: str, device: torch.device, dtype: torch.dtype) -> Any:
    """The model of a folder, loaded once a process; `key` is the hash of its content."""
    with torch.inference_mode(False):
        found: Any = load_model(folder, device=str(device))
        return found.to(dtype).requires_grad_(False)


def _scale(values: np.ndarray) -> Scale:
    """Six digits of the finite values' mean and standard deviation (1 where they do not differ)."""
    finite = values[np.isfinite(values)].astype(np.float64)
    mean, deviation = (finite.mean(), finite.std()) if len(finite) else (0.0, 0.0)
    return Scale(float(f"{mean:.6g}"), float(f"{deviation:.6g}") or 1.0)
