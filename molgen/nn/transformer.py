"""A causal transformer over batches of short sequences, made for CPUs as much as for GPUs.

A batch is a list of *rectangles*: sequences sorted by length and cut into a few groups, each padded to its own longest.
Everything but attention runs on the rectangles laid end to end, so little is spent on padding although the batch is
drawn at random. Padding stands behind the tokens, so the causal mask alone keeps it out.

At these lengths (20 to 70 tokens) attention is matmul, softmax, matmul: the fused CPU kernel spends more time in its
backward pass than all the feed-forward layers, which is why `scaled_dot_product_attention` is not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.nn.tally import Running, Tally

Shape = tuple[int, int]  # sequences, length


class Cache:
    """Keys and values of the tokens so far, for one layer: each (batch, room, head width), filled from the left.

    The room grows by a few places at a time, so that the matmuls always see whole, contiguous blocks; places not yet
    filled are masked.
    """

    GROWTH = 8

    def __init__(self) -> None:
        self.keys = self.values = torch.empty(0, 0, 0)

    def put(self, key: Float[Tensor, "batch head"], value: Float[Tensor, "batch head"], place: int) -> None:
        """Adds the key and value of the token at `place`."""
        if place >= self.keys.shape[1]:
            fresh = key.new_zeros(len(key), self.GROWTH, key.shape[1])
            self.keys = torch.cat([self.keys, fresh], 1) if place else fresh
            self.values = torch.cat([self.values, fresh], 1) if place else fresh.clone()
        self.keys[:, place] = key
        self.values[:, place] = value

    def keep(self, rows: Tensor) -> None:
        """Drops all sequences but `rows` (which may repeat one)."""
        self.keys, self.values = self.keys[rows], self.values[rows]


class Attention(nn.Module):
    """Causal multi-query attention (Shazeer 2019): heads with queries of their own share one key and value.

    The shared head makes the cache `heads` times smaller and the small matmuls `heads` times larger; both are what
    sampling on a CPU waits for.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head = heads, width // heads
        self.qkv = nn.Linear(width, width + 2 * self.head, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "tokens width"], shapes: Sequence[Shape], masks: Sequence[Tensor]
    ) -> Float[Tensor, "tokens width"]:
        """Attention in each rectangle of `shapes`, laid end to end in `x`."""
        rectangles = self.qkv(x).split([count * length for count, length in shapes])
        mixed = [self._mix(r.view(*s, -1), m) for r, s, m in zip(rectangles, shapes, masks, strict=True)]
        return self.out(torch.cat(mixed) if len(mixed) > 1 else mixed[0])

    def _mix(self, qkv: Float[Tensor, "sequences length qkv"], mask: Tensor) -> Float[Tensor, "tokens width"]:
        count, length = qkv.shape[:2]
        q, k, v = qkv.split([self.heads * self.head, self.head, self.head], -1)
        q = q.view(count, length, self.heads, -1).transpose(1, 2).reshape(count, self.heads * length, -1)
        scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=self.head**-0.5)
        mixed = torch.bmm(torch.softmax(scores, -1), v).view(count, self.heads, length, -1)
        return mixed.transpose(1, 2).reshape(count * length, -1)

    def step(self, x: Float[Tensor, "batch width"], cache: Cache, place: int) -> Float[Tensor, "batch width"]:
        """Attention of one new token a sequence, at `place`; its key and value go into the cache."""
        q, k, v = self.qkv(x).split([self.heads * self.head, self.head, self.head], -1)
        cache.put(k, v, place)
        q = q.view(len(x), self.heads, -1) * self.head**-0.5
        scores = torch.bmm(q, cache.keys.transpose(1, 2))
        scores[:, :, place + 1 :] = -torch.inf
        return self.out(torch.bmm(torch.softmax(scores, -1), cache.values).view(len(x), -1))


class Block(nn.Module):
    """Pre-norm attention and a squared-ReLU feed-forward (So et al. 2021, Primer)."""

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.up = nn.Linear(width, feedforward, bias=False)
        self.down = nn.Linear(feedforward, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, shapes: Sequence[Shape], masks: Sequence[Tensor]) -> Tensor:
        """(tokens, width) to (tokens, width)."""
        x = x + self.dropout(self.attention(norm(x), shapes, masks))
        return x + self.dropout(self.down(_SquaredReLU.apply(self.up(norm(x)))))

    def step(self, x: Tensor, cache: Cache, place: int) -> Tensor:
        """(batch, width) to (batch, width) for one new token a sequence."""
        x = x + self.attention.step(norm(x), cache, place)
        return x + self.down(self.up(norm(x)).relu_().square())


class Transformer(nn.Module):
    """Token and position embedding, causal blocks, and logits over the vocabulary."""

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int,
        layers: int,
        heads: int,
        feedforward: int,
        dropout: float,
        longest: int,
        tally: Tally | None = None,
    ) -> None:
        super().__init__()
        self.longest, self.heads = longest, heads
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(longest, width)
        self.tally = tally
        self.blocks: Sequence[Block] = nn.ModuleList(  # type: ignore[assignment]
            Block(width, heads, feedforward, dropout) for _ in range(layers)
        )
        self.logits = nn.Linear(width, vocabulary, bias=False)
        self._initialise(layers)

    def forward(
        self,
        tokens: Int[Tensor, " tokens"],
        shapes: Sequence[Shape],
        bias: Float[Tensor, "sequences steers"] | None = None,
    ) -> Float[Tensor, "tokens vocabulary"]:
        """Logits of the token after each token, for rectangles of `shapes` laid end to end.

        `bias` holds a vector for each layer, which is added to the layer's input at each place of the sequence.
        """
        places = [torch.arange(length, device=tokens.device).repeat(count) for count, length in shapes]
        x = self.embedding(tokens) + self.position(torch.cat(places))
        if self.tally is not None:
            x = x + self.tally(tokens, shapes)
        if torch.is_autocast_enabled(x.device.type):  # the residual stream is kept in the low precision too
            x = x.to(torch.get_autocast_dtype(x.device.type))
        masks = [x.new_full((1, n, n), -torch.inf).triu_(1).repeat(1, self.heads, 1) for _, n in shapes]
        steers = [] if bias is None else bias.to(x.dtype).chunk(len(self.blocks), -1)
        for block, steer in zip_longest(self.blocks, steers):
            x = block(x if steer is None else x + spread(steer, shapes), shapes, masks)
        return self.logits(norm(x))

    def empty_cache(self) -> list[Any]:
        """A cache for each layer; behind them, with a tally, its running counts."""
        return [*(Cache() for _ in self.blocks), *([] if self.tally is None else [Running()])]

    def step(
        self,
        tokens: Int[Tensor, " batch"],
        caches: Sequence[Any],
        place: int,
        bias: Float[Tensor, "batch steers"] | None = None,
    ) -> Float[Tensor, "batch vocabulary"]:
        """Logits after one more token a sequence, at `place` (0 for the first)."""
        x = self.embedding(tokens) + self.position.weight[place]
        if self.tally is not None:
            *caches, running = caches
            x = x + self.tally.step(tokens, running)
        steers = [] if bias is None else bias.chunk(len(self.blocks), -1)
        for block, cache, steer in zip_longest(self.blocks, caches, steers):
            x = block.step(x if steer is None else x + steer, cache, place)
        return self.logits(norm(x))

    def _initialise(self, layers: int) -> None:
        for name, parameter in self.named_parameters():
            if name.startswith("tally"):  # zero, so that it begins as if it were not there
                continue
            deviation = 0.02 if name.startswith(("embedding", "position")) else parameter.shape[1] ** -0.5
            if name.endswith(("out.weight", "down.weight")):  # the residual stream keeps its scale whatever the depth
                deviation /= math.sqrt(2 * layers)
            nn.init.normal_(parameter, std=deviation)


def norm(x: Tensor) -> Tensor:
    """Layer norm without weights: the linear layer behind it can scale, and the native kernel takes bf16 as it is."""
    return F.layer_norm(x, x.shape[-1:])


def spread(bias: Float[Tensor, "sequences width"], shapes: Sequence[Shape]) -> Float[Tensor, "tokens width"]:
    """A vector for each sequence, repeated at each of its places."""
    rows = bias.split([count for count, _ in shapes])
    return torch.cat([r.unsqueeze(1).expand(-1, n, -1).flatten(0, 1) for r, (_, n) in zip(rows, shapes, strict=True)])


class _SquaredReLU(torch.autograd.Function):
    """relu(x)^2 in few passes: it runs on the widest activation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rectified = x.relu()
        ctx.save_for_backward(rectified)
        return rectified.square()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (rectified,) = ctx.saved_tensors
        return (grads[0] * rectified).mul_(2)
