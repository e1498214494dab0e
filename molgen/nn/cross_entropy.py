"""Logits over many choices and their cross-entropy in one pass, a block of rows at a time.

The logits of a batch (thousands of rows and choices) would be written and read a dozen times by separate operations.
Here a block stays in the cache from the matmul to its share of the gradient, which is made in the forward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

BLOCK = 512  # rows; fewer would read the weight more often than the cache saves


def linear_cross_entropy(
    states: Float[Tensor, "rows width"],
    weight: Float[Tensor, "choices width"],
    bias: Float[Tensor, " choices"],
    targets: Int[Tensor, " rows"],
) -> Float[Tensor, ""]:
    """-log softmax(states @ weight.T + bias) at the targets, summed, in float32 or better."""
    if torch.is_autocast_enabled(states.device.type):
        weight = weight.to(torch.get_autocast_dtype(states.device.type))
    learning = torch.is_grad_enabled()
    out: Tensor = _LinearCrossEntropy.apply(states.to(weight.dtype), weight, bias, targets, learning)
    return out


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, learning: bool) -> Tensor:
        precise = torch.promote_types(states.dtype, torch.float32)
        total = states.new_zeros((), dtype=precise)
        d_states = torch.empty_like(states)
        d_weight, d_bias = torch.zeros_like(weight, dtype=precise), torch.zeros_like(bias, dtype=precise)
        for first in range(0, len(states), BLOCK):
            rows = slice(first, first + BLOCK)
            logits = (states[rows] @ weight.T).to(precise).add_(bias)
            chosen = targets[rows].unsqueeze(1)
            logits -= logits.amax(1, keepdim=True)
            shifted = logits.gather(1, chosen)
            logits.exp_()
            sums = logits.sum(1, keepdim=True)
            total += (sums.log() - shifted).sum()
            if learning:
                logits /= sums
                logits.scatter_add_(1, chosen, torch.full_like(shifted, -1.0))
                d_bias += logits.sum(0)
                error = logits.to(states.dtype)
                d_states[rows] = error @ weight
                d_weight += error.T @ states[rows]
        if learning:
            ctx.save_for_backward(d_states, d_weight.to(weight.dtype), d_bias.to(bias.dtype))
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        d_states, d_weight, d_bias = ctx.saved_tensors
        scale = grads[0]
        return (
            d_states * scale.to(d_states.dtype),
            d_weight * scale.to(d_weight.dtype),
            d_bias * scale.to(d_bias.dtype),
            None,
            None,
        )
