"""What the network believes the clean graph to be: its logits, with Bayes' rule, conditions and guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from molgen.core.errors import SettingsError, nearest
from molgen.generators.diffusion.batches import Noises, Wishes
from molgen.generators.diffusion.dense import Graphs, pairs_of, square
from molgen.generators.diffusion.noise import Distributions
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.nn.conditions import Conditions
from molgen.nn.graph_transformer import GraphTransformer

Predict = Callable[[Graphs, Tensor], tuple[Distributions, Distributions]]
"""The distribution of the clean class of each node and each pair, given noisy graphs and their times (batch, 1)."""


class Beliefs:
    """The distribution of the clean graph's variables, each on its own, given a noisy graph."""

    def __init__(
        self,
        network: GraphTransformer,
        noises: Noises,
        conditions: Conditions | None,
        swapped: Sequence[int] | None,
    ) -> None:
        self.network, self.noises, self.conditions = network, noises, conditions
        self.swapped = None if swapped is None else torch.tensor(swapped)

    def logits(self, graphs: Graphs, time: Tensor, codes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits of nodes and pairs, in float32 or better; -inf for a class that the data never show."""
        swapped = None if self.swapped is None else self.swapped.to(time.device)
        bias = self.conditions(codes) if codes is not None and self.conditions is not None else None
        nodes, edges = self.network(graphs.nodes, square(graphs, swapped), time.squeeze(1), bias)
        pairs = pairs_of(edges)
        if swapped is not None:  # both ends have their say
            pairs = pairs + pairs_of(edges.transpose(1, 2))[..., swapped]
        precise = torch.promote_types(nodes.dtype, torch.float32)
        return (
            self.noises.nodes.likely(nodes.to(precise), graphs.nodes, time.to(precise)),
            self.noises.pairs.likely(pairs.to(precise), graphs.pairs, time.to(precise)),
        )

    def under(self, how: DiffusionDrawing, wishes: Wishes) -> Predict:
        """The distributions under the wishes of some draws."""
        codes = self._codes(wishes) if wishes else None

        def predict(graphs: Graphs, time: Tensor) -> tuple[Tensor, Tensor]:
            nodes, pairs = self.logits(graphs, time, codes)
            if codes is not None and how.guidance != 1:
                plain = self.logits(graphs, time, None)
                nodes, pairs = (_guided(a, b, how.guidance) for a, b in zip((nodes, pairs), plain, strict=True))
            if how.temperature != 1:
                nodes, pairs = nodes / how.temperature, pairs / how.temperature
            return torch.softmax(nodes, -1), torch.softmax(pairs, -1)

        return predict

    def _codes(self, wishes: Wishes) -> Tensor:
        if self.conditions is None:
            raise SettingsError(
                "condition: this model was trained without conditions; set model.conditions to train one"
            )
        unknown = sorted(set(wishes) - set(self.conditions.names))
        if unknown:
            raise SettingsError(
                f"condition.{unknown[0]}: not what this model knows{nearest(unknown[0], self.conditions.names)}"
            )
        nowhere = np.full(len(next(iter(wishes.values()))), np.nan)
        values = np.column_stack([wishes.get(name, nowhere) for name in self.conditions.names])
        return torch.from_numpy(self.conditions.encode(values)).to(self.conditions.code.weight.device)


def _guided(asked: Tensor, plain: Tensor, weight: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): away from what is believed without the condition."""
    return torch.where(asked.isfinite(), plain + weight * (asked - plain), asked)
