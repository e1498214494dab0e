"""A stack of gated recurrent units (Cho et al. 2014) over the same batches as the transformer, step by step the same.

Plain matmuls rather than `nn.GRU`: they run in bf16, on every device, and take a vector added to each input.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

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
        state, out = x.new_zeros(len(x), self.width), []
        for inputs in self.inputs(x).unbind(1):
            state = self.step(inputs, state)
            out.append(state)
        return torch.stack(out, 1)

    def step(self, inputs: Float[Tensor, "batch gates"], state: Tensor) -> Float[Tensor, "batch width"]:
        """The next state from an input that `self.inputs` has projected."""
        two = 2 * self.width
        hidden = self.hidden(state)
        reset, update = torch.sigmoid(inputs[:, :two] + hidden[:, :two]).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(inputs[:, two:], reset, hidden[:, two:]))
        return torch.lerp(candidate, state, update)


class Recurrent(nn.Module):
    """Token embedding, recurrent layers with residual connections, and logits over the vocabulary."""

    def __init__(self, vocabulary: int, *, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers: Sequence[Layer] = nn.ModuleList(Layer(width) for _ in range(layers))  # type: ignore[assignment]
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(width, vocabulary, bias=False)

    def forward(
        self,
        tokens: Int[Tensor, " tokens"],
        shapes: Sequence[Shape],
        bias: Float[Tensor, "sequences width"] | None = None,
    ) -> Float[Tensor, "tokens vocabulary"]:
        """Logits of the token after each token, for rectangles of `shapes` laid end to end."""
        x = self.embedding(tokens)
        if bias is not None:
            x = x + spread(bias, shapes)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        rectangles = x.split([count * length for count, length in shapes])
        out = [self._stack(r.view(*s, -1)).flatten(0, 1) for r, s in zip(rectangles, shapes, strict=True)]
        return self.logits(norm(torch.cat(out)))

    def _stack(self, x: Float[Tensor, "sequences length width"]) -> Float[Tensor, "sequences length width"]:
        for layer in self.layers:
            x = x + self.dropout(layer(norm(x)))
        return x

    def empty_cache(self) -> list[State]:
        """A state for each layer."""
        return [State() for _ in self.layers]

    def step(
        self,
        tokens: Int[Tensor, " batch"],
        caches: Sequence[State],
        place: int,
        bias: Float[Tensor, "batch width"] | None = None,
    ) -> Float[Tensor, "batch vocabulary"]:
        """Logits after one more token a sequence, at `place` (0 for the first)."""
        x = self.embedding(tokens)
        if bias is not None:
            x = x + bias
        for layer, cache in zip(self.layers, caches, strict=True):
            state = torch.zeros_like(x) if cache.hidden is None else cache.hidden
            cache.hidden = layer.step(layer.inputs(norm(x)), state)
            x = x + cache.hidden
        return self.logits(norm(x))
