"""The decoder: a causal transformer over actions that knows which site is to be filled, conditioned on a latent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.generators.graph_vae.batch import MOST, Actions, Places
from molgen.generators.graph_vae.settings import GraphVAEConfig
from molgen.nn.cross_entropy import linear_cross_entropy
from molgen.nn.transformer import Block, Cache, Shape, norm, spread
from molgen.represent.derivations import FIRST_JOIN, Grammar


class Decoder(nn.Module):
    """Distributions over the actions of the class that is due, given those so far and the latent.

    An action's vector is its symbol's plus a low-rank part for the site it enters through, so that what is learnt of a
    fragment serves all its entries. The same vectors are read (actions so far, the parent of the site to be filled)
    and written (logits).
    """

    def __init__(self, config: GraphVAEConfig, grammar: Grammar, longest: int) -> None:
        super().__init__()
        width, symbols = config.width, len(grammar.texts)
        self.grammar, self.longest, self.heads = grammar, longest, config.heads
        own = FIRST_JOIN + grammar.joins  # starts and joins have vectors of their own
        rows = np.where(grammar.action_symbol >= 0, grammar.action_symbol, symbols + np.arange(grammar.size))
        self.symbol_rows: Tensor
        self.register_buffer("symbol_rows", torch.from_numpy(rows), persistent=False)
        self.symbol = nn.Parameter(torch.empty(symbols + own, width))
        self.entry = nn.Parameter(torch.empty(grammar.size, config.rank))
        self.entry_up = nn.Parameter(torch.empty(config.rank, width))
        self.bias = nn.Parameter(torch.zeros(grammar.size))
        self.parent = nn.Linear(width, width, bias=False)
        self.number = nn.Embedding(MOST + 1, width)
        self.open = nn.Embedding(MOST + 1, width)
        self.place = nn.Embedding(longest, width)
        self.latent = nn.Linear(config.latent, width * (config.layers + 1))
        self.blocks: Sequence[Block] = nn.ModuleList(  # type: ignore[assignment]
            Block(width, config.heads, config.feedforward * width, config.dropout) for _ in range(config.layers)
        )
        self._initialise(config)

    def vectors(self) -> Float[Tensor, "actions width"]:
        """A vector for each action."""
        return self.symbol[self.symbol_rows] + self.entry @ self.entry_up

    def forward(
        self, vectors: Tensor, places: Places, shapes: Sequence[Shape], z: Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "tokens width"]:
        """The state from which the next action is told, at each place of rectangles laid end to end."""
        ranks = torch.cat([torch.arange(n, device=z.device).repeat(count) for count, n in shapes])
        x = self._read(vectors, places, self.place(ranks))
        if torch.is_autocast_enabled(x.device.type):  # the residual stream is kept in the low precision too
            x = x.to(torch.get_autocast_dtype(x.device.type))
        steers = spread(self.latent(z).to(x.dtype), shapes).chunk(len(self.blocks) + 1, -1)
        masks = [x.new_full((1, n, n), -torch.inf).triu_(1).repeat(1, self.heads, 1) for _, n in shapes]
        for block, steer in zip(self.blocks, steers, strict=False):
            x = block(x + steer, shapes, masks)
        return norm(x + steers[-1])

    def empty_cache(self) -> list[Cache]:
        """A cache for each layer."""
        return [Cache() for _ in self.blocks]

    def step(
        self, vectors: Tensor, places: Places, caches: Sequence[Cache], place: int, z: Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch width"]:
        """The state after one more action a sequence, at `place` (0 for the first)."""
        x = self._read(vectors, places, self.place.weight[place])
        steers = self.latent(z).chunk(len(self.blocks) + 1, -1)
        for block, cache, steer in zip(self.blocks, caches, steers, strict=False):
            x = block.step(x + steer, cache, place)
        return norm(x + steers[-1])

    def logits(self, vectors: Tensor, states: Float[Tensor, "rows width"], kind: int) -> Float[Tensor, "rows choices"]:
        """Logits (float32 or better) of the actions of a class: first the joins (not for a root), then its own."""
        out = F.linear(states, self._of_class(vectors, kind))
        return out.to(torch.promote_types(out.dtype, torch.float32)) + self._of_class(self.bias, kind)

    def _of_class(self, values: Tensor, kind: int) -> Tensor:
        """The rows of a table over actions that can be chosen when a class is due."""
        own = values[slice(*self.grammar.classes[kind])]
        return torch.cat([values[FIRST_JOIN : FIRST_JOIN + self.grammar.joins], own]) if kind else own

    def choice(self, action: Int[Tensor, " rows"], kind: int) -> Int[Tensor, " rows"]:
        """The place of actions among the logits of their class."""
        joins = self.grammar.joins if kind else 0
        return torch.where(
            action < FIRST_JOIN + joins, action - FIRST_JOIN, action - self.grammar.classes[kind][0] + joins
        )

    def action(self, choice: Int[Tensor, " rows"], kind: int) -> Int[Tensor, " rows"]:
        """The actions at places among the logits of their class."""
        joins = self.grammar.joins if kind else 0
        return torch.where(choice < joins, choice + FIRST_JOIN, choice - joins + self.grammar.classes[kind][0])

    def nats(self, actions: Actions, z: Float[Tensor, "batch latent"]) -> Float[Tensor, ""]:
        """-log p(derivations | z), summed."""
        vectors = self.vectors()
        states = self(vectors, actions.places, actions.shapes, z)
        total = states.new_zeros((), dtype=torch.promote_types(states.dtype, torch.float32))
        for kind in range(4):
            rows = (actions.kinds == kind).nonzero().squeeze(1)
            if len(rows):
                weight, bias = self._of_class(vectors, kind), self._of_class(self.bias, kind)
                chosen = self.choice(actions.targets[rows], kind)
                total = total + linear_cross_entropy(states[rows], weight, bias, chosen)
        return total

    def _read(self, vectors: Tensor, places: Places, place: Tensor) -> Tensor:
        x = vectors[places.previous] + self.parent(vectors[places.parent])
        return x + self.number(places.number) + self.open(places.open) + place

    def _initialise(self, config: GraphVAEConfig) -> None:
        for name, parameter in self.named_parameters():
            if name == "bias":
                continue
            if parameter.dim() == 1:
                nn.init.zeros_(parameter)
                continue
            small = name in ("symbol", "entry") or name.startswith(("number", "open", "place"))
            deviation = 0.02 if small else parameter.shape[-1] ** -0.5
            if name == "entry_up":
                deviation = config.rank**-0.5
            if name.endswith(("out.weight", "down.weight")):  # the residual stream keeps its scale whatever the depth
                deviation /= math.sqrt(2 * config.layers)
            nn.init.normal_(parameter, std=deviation)
