"""A stack of gated recurrent units (Cho et al. 2014) over the same batches as the transformer, step by step the same.

Written out rather than `nn.GRU`: matmuls in bf16 with the state kept in float32, on every device; and a backward pass
through time that does one matmul a step and gathers the weights' gradient in a single one at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from molgen.nn.tally import Running, Tally
from molgen.nn.transformer import Shape, norm, spread


class State:
    """The hidden state of one layer: (batch, width)."""

    def __init__(self) -> None:
        self.hidden: Tensor | None = None

    def keep(self, rows: Tensor) -> None:
        """Drops all sequences but `rows` (which may repeat one)."""
        if self.hidden is not None:
            self.hidden = self.hidden[rows]


class Layer(nn.Module):
    """One gated recurrent unit over sequences; the input's part of all gates is one matmul over all places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.inputs = nn.Linear(width, 3 * width)
        self.hidden = nn.Linear(width, 3 * width)

    def forward(self, x: Float[Tensor, "sequences length width"]) -> Float[Tensor, "sequences length width"]:
        """The hidden state after each place."""
        inputs = self.inputs(x).transpose(0, 1)
        return _ThroughTime.apply(inputs, weight_of(self.hidden), self.hidden.bias).transpose(0, 1)

    def step(self, inputs: Float[Tensor, "batch gates"], state: Tensor) -> Float[Tensor, "batch width"]:
        """The next state from an input that `self.inputs` has projected."""
        two = 2 * self.width
        hidden = self.hidden(state)
        reset, update = torch.sigmoid(inputs[:, :two] + hidden[:, :two]).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(inputs[:, two:], reset, hidden[:, two:]))
        return torch.lerp(candidate, state, update)


class _ThroughTime(torch.autograd.Function):
    """The states (length, batch, width) after each of `inputs` (length, batch, gates), from a state of zeros.

    Gates are reset, update and candidate; states and gates in float32, matmuls in the type of the inputs.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        low, (length, batch, gates) = inputs.dtype, inputs.shape
        width = gates // 3
        precise = torch.promote_types(low, torch.float32)
        matrix, states = weight.to(low).t().contiguous(), inputs.new_zeros(length + 1, batch, width, dtype=precise)
        kept = states.new_empty(length, batch, 4 * width)  # reset, update, candidate, and the state's part of the last
        for t in range(length):
            hidden = torch.addmm(bias.to(low), states[t].to(low), matrix).to(precise)
            now, given = kept[t], inputs[t].to(precise)
            torch.add(given[:, : 2 * width], hidden[:, : 2 * width], out=now[:, : 2 * width]).sigmoid_()
            now[:, 3 * width :] = hidden[:, 2 * width :]
            reset, update, candidate, within = now.chunk(4, 1)
            torch.addcmul(given[:, 2 * width :], reset, within, out=candidate).tanh_()
            torch.lerp(candidate, states[t], update, out=states[t + 1])
        ctx.save_for_backward(states, kept, weight)
        ctx.low = low
        return states[1:].to(low)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states, kept, weight = ctx.saved_tensors
        low, (length, batch, width) = ctx.low, grads[0].shape
        matrix, carried = weight.to(low), states.new_zeros(batch, width)
        to_inputs = states.new_empty(length, batch, 3 * width)
        to_hidden = torch.empty_like(to_inputs, dtype=low)
        for t in reversed(range(length)):
            reset, update, candidate, within = kept[t].chunk(4, 1)
            total = carried + grads[0][t]
            by_reset, by_update, by_candidate = to_inputs[t].chunk(3, 1)
            torch.mul(total * (1 - update), 1 - candidate * candidate, out=by_candidate)
            torch.mul(by_candidate * within, reset * (1 - reset), out=by_reset)
            torch.mul(total * (states[t] - candidate), update * (1 - update), out=by_update)
            to_hidden[t, :, : 2 * width] = to_inputs[t, :, : 2 * width]
            to_hidden[t, :, 2 * width :] = by_candidate * reset
            carried = torch.addcmul((to_hidden[t] @ matrix).to(states.dtype), total, update)
        flat = to_hidden.flatten(0, 1)
        to_weight = flat.t() @ states[:-1].flatten(0, 1).to(low)
        return to_inputs.to(low), to_weight.to(weight.dtype), flat.sum(0, dtype=states.dtype).to(weight.dtype)


def weight_of(layer: nn.Linear) -> Tensor:
    """The matrix that a linear layer multiplies with; adapters (`nn.lora`) name theirs `whole`."""
    whole: Tensor = getattr(layer, "whole", layer.weight)
    return whole


class Recurrent(nn.Module):
    """Token embedding, recurrent layers with residual connections, and logits over the vocabulary."""

    def __init__(self, vocabulary: int, *, width: int, layers: int, dropout: float, tally: Tally | None = None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.tally = tally
        self.layers: Sequence[Layer] = nn.ModuleList(Layer(width) for _ in range(layers))  # type: ignore[assignment]
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary, bias=False)

    def forward(
        self,
        tokens: Int[Tensor, " tokens"],
        shapes: Sequence[Shape],
        bias: Float[Tensor, "sequences steers"] | None = None,
    ) -> Float[Tensor, "tokens vocabulary"]:
        """Logits of the token after each token, for rectangles of `shapes` laid end to end.

        `bias` holds a vector for each layer, which is added to the layer's input at each place of the sequence.
        """
        x = self.embedding(tokens)
        if self.tally is not None:
            x = x + self.tally(tokens, shapes)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        steers = [] if bias is None else bias.to(x.dtype).chunk(len(self.layers), -1)
        for layer, steer in zip_longest(self.layers, steers):
            x = x if steer is None else x + spread(steer, shapes)
            rectangles = norm(x).split([count * length for count, length in shapes])
            out = [layer(r.view(*s, -1)).flatten(0, 1) for r, s in zip(rectangles, shapes, strict=True)]
            x = x + self.dropout(torch.cat(out))
        return self.logits(norm(x))

    def empty_cache(self) -> list[Any]:
        """A state for each layer; behind them, with a tally, its running counts."""
        return [*(State() for _ in self.layers), *([] if self.tally is None else [Running()])]

    def step(
        self,
        tokens: Int[Tensor, " batch"],
        caches: Sequence[Any],
        place: int,
        bias: Float[Tensor, "batch steers"] | None = None,
    ) -> Float[Tensor, "batch vocabulary"]:
        """Logits after one more token a sequence, at `place` (0 for the first)."""
        x = self.embedding(tokens)
        if self.tally is not None:
            *caches, running = caches
            x = x + self.tally.step(tokens, running)
        steers = [] if bias is None else bias.chunk(len(self.layers), -1)
        for layer, cache, steer in zip_longest(self.layers, caches, steers):
            x = x if steer is None else x + steer
            state = torch.zeros_like(x) if cache.hidden is None else cache.hidden
            cache.hidden = layer.step(layer.inputs(norm(x)), state)
            x = x + cache.hidden
        return self.logits(norm(x))
