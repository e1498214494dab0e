"""A small rectified flow over vectors: straight paths from a standard normal to the data (Liu et al. 2023)."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.nn.transformer import norm


class RectifiedFlow(nn.Module):
    """A velocity field v(x, t); data are drawn by following it from t = 0 (normal) to t = 1."""

    STEPS = 16  # of the midpoint rule

    def __init__(self, size: int, width: int, blocks: int) -> None:
        super().__init__()
        self.enter = nn.Linear(size, width)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(6), persistent=False)
        self.time = nn.Linear(13, width)
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, size)
        for layer in [*self.down, self.leave]:
            nn.init.zeros_(layer.weight)

    def velocity(self, x: Float[Tensor, "batch size"], t: Float[Tensor, "batch 1"]) -> Float[Tensor, "batch size"]:
        """v(x, t)."""
        angles = t * self.frequencies.to(t.dtype)
        moment = self.time(torch.cat([t, angles.sin(), angles.cos()], -1).to(x.dtype))
        hidden = self.enter(x)
        for up, down in zip(self.up, self.down, strict=True):
            hidden = hidden + down(F.silu(up(norm(hidden) + moment)))
        return self.leave(F.silu(norm(hidden)))

    def loss(self, data: Float[Tensor, "batch size"], generator: torch.Generator | None = None) -> Tensor:
        """Mean squared error of the velocity, summed over the batch; equation (1) of the paper."""
        data = data.to(torch.promote_types(data.dtype, torch.float32))
        options: Any = {"generator": generator, "device": data.device, "dtype": data.dtype}
        noise, t = torch.randn(data.shape, **options), torch.rand(len(data), 1, **options)
        predicted = self.velocity((noise + t * (data - noise)).to(self.enter.weight.dtype), t)
        return F.mse_loss(predicted.to(data.dtype), data - noise, reduction="none").mean(-1).sum()

    def push(self, noise: Float[Tensor, "batch size"]) -> Float[Tensor, "batch size"]:
        """Normal noise to data. The sum of the steps keeps the noise's precision, whatever that of the weights."""
        x, step, low = noise, 1 / self.STEPS, self.enter.weight.dtype
        for i in range(self.STEPS):
            t = torch.full_like(x[:, :1], i * step)
            middle = x + 0.5 * step * self.velocity(x.to(low), t).to(x.dtype)
            x = x + step * self.velocity(middle.to(low), t + 0.5 * step).to(x.dtype)
        return x
