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
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

Shape = tuple[int, int]  # sequences, length


class Cache(NamedTuple):
    """Keys and values of the tokens so far, for one layer: (batch, heads, room, head width); filled from the left."""

    keys: Tensor
    values: Tensor


class Attention(nn.Module):
    """Causal multi-head attention within each sequence."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "tokens width"], shapes: Sequence[Shape], masks: Sequence[Tensor]
    ) -> Float[Tensor, "tokens width"]:
        """Attention in each rectangle of `shapes`, laid end to end in `x`."""
        qkv = self.qkv(x)
        pieces, start = [], 0
        for (count, length), mask in zip(shapes, masks, strict=True):
            stop = start + count * length
            block = qkv[start:stop].view(count, length, 3, self.heads, -1)
            q, k, v = block.permute(2, 0, 3, 1, 4).flatten(1, 2)  # each (count * heads, length, head width)
            scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=1 / math.sqrt(q.shape[-1]))
            mixed = torch.bmm(torch.softmax(scores, -1), v).view(count, self.heads, length, -1)
            pieces.append(mixed.transpose(1, 2).reshape(count * length, -1))
            start = stop
        return self.out(torch.cat(pieces) if len(pieces) > 1 else pieces[0])

    def step(self, x: Float[Tensor, "batch width"], cache: Cache, place: int) -> Float[Tensor, "batch width"]:
        """Attention of one new token a sequence, at `place`; its key and value go into the cache."""
        q, k, v = self.qkv(x).view(len(x), 3, self.heads, -1).unbind(1)
        cache.keys[:, :, place] = k
        cache.values[:, :, place] = v
        keys, values = cache.keys[:, :, : place + 1], cache.values[:, :, : place + 1]
        scores = (keys @ (q / math.sqrt(q.shape[-1])).unsqueeze(-1)).transpose(2, 3)
        return self.out((torch.softmax(scores, -1) @ values).reshape(len(x), -1))


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
        self, vocabulary: int, *, width: int, layers: int, heads: int, feedforward: int, dropout: float, longest: int
    ) -> None:
        super().__init__()
        self.longest, self.heads = longest, heads
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(longest, width)
        self.blocks: Sequence[Block] = nn.ModuleList(  # type: ignore[assignment]
            Block(width, heads, feedforward, dropout) for _ in range(layers)
        )
        self.logits = nn.Linear(width, vocabulary, bias=False)
        self._initialise(layers)

    def forward(self, tokens: Int[Tensor, " tokens"], shapes: Sequence[Shape]) -> Float[Tensor, "tokens vocabulary"]:
        """Logits of the token after each token, for rectangles of `shapes` laid end to end."""
        places = [torch.arange(length, device=tokens.device).repeat(count) for count, length in shapes]
        x = self.embedding(tokens) + self.position(torch.cat(places))
        if torch.is_autocast_enabled(x.device.type):  # the residual stream is kept in the low precision too
            x = x.to(torch.get_autocast_dtype(x.device.type))
        masks = [x.new_full((1, length, length), -torch.inf).triu_(1) for _, length in shapes]
        for block in self.blocks:
            x = block(x, shapes, masks)
        return self.logits(norm(x))

    def empty_cache(self, batch: int) -> list[Cache]:
        """Room for `batch` sequences of the greatest length, on the model's device and in its precision."""
        like = self.embedding.weight
        shape = (batch, self.heads, self.longest, like.shape[1] // self.heads)
        return [Cache(like.new_empty(shape), like.new_empty(shape)) for _ in self.blocks]

    def step(
        self, tokens: Int[Tensor, " batch"], caches: Sequence[Cache], place: int
    ) -> Float[Tensor, "batch vocabulary"]:
        """Logits after one more token a sequence, at `place` (0 for the first)."""
        x = self.embedding(tokens) + self.position.weight[place]
        for block, cache in zip(self.blocks, caches, strict=True):
            x = block.step(x, cache, place)
        return self.logits(norm(x))

    def _initialise(self, layers: int) -> None:
        for name, parameter in self.named_parameters():
            deviation = 0.02 if name.startswith(("embedding", "position")) else parameter.shape[1] ** -0.5
            if name.endswith(("out.weight", "down.weight")):  # the residual stream keeps its scale whatever the depth
                deviation /= math.sqrt(2 * layers)
            nn.init.normal_(parameter, std=deviation)


def norm(x: Tensor) -> Tensor:
    """Layer norm without weights: the linear layer behind it can scale, and the native kernel takes bf16 as it is."""
    return F.layer_norm(x, x.shape[-1:])


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
