"""LoRA: a frozen network with trained low-rank terms on its linear layers (Hu et al. 2021, arXiv:2106.09685)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.core.errors import SettingsError, nearest

KEPT = {"logits", "code"}  # output and condition: the paper adapts the layers within


class LowRank(nn.Linear):
    """y = W x + (alpha / rank) B A x (eq. 3), W and the bias frozen. B is zero at first: nothing changes then."""

    def __init__(self, layer: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        self.weight, self.bias, self.scale = layer.weight, layer.bias, alpha / rank
        self.A = nn.Parameter(layer.weight.new_empty(rank, layer.in_features).normal_(std=layer.in_features**-0.5))
        self.B = nn.Parameter(layer.weight.new_zeros(layer.out_features, rank))

    @property
    def whole(self) -> Tensor:
        """W + (alpha / rank) B A."""
        return self.weight + (self.B @ self.A) * self.scale

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return super().forward(x) + F.linear(F.linear(x, self.A), self.B) * self.scale


def adapt(network: nn.Module, rank: int, alpha: float, layers: Sequence[str] | None = None) -> None:
    """Freezes a network and puts adapters on its linear layers: those of these names, or all within."""
    network.requires_grad_(False)
    linear = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    known = {name.rpartition(".")[2] for name in linear}
    for wanted in layers or ():
        if wanted not in known:
            raise SettingsError(f"adapter.layers: no linear layer {wanted!r}{nearest(wanted, sorted(known))}")
    chosen = known - KEPT if layers is None else set(layers)
    for name, layer in linear.items():
        parent, _, last = name.rpartition(".")
        if last in chosen:
            setattr(network.get_submodule(parent), last, LowRank(layer, rank, alpha))


def adapters(network: nn.Module) -> dict[str, Tensor]:
    """All there is to keep: A and B of each adapted layer, the scale folded into B."""
    found = {name: layer for name, layer in network.named_modules() if isinstance(layer, LowRank)}
    return {f"{name}.A": layer.A.detach() for name, layer in found.items()} | {
        f"{name}.B": layer.B.detach() * layer.scale for name, layer in found.items()
    }


@torch.no_grad()
def merge(network: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """Adds B A of each adapter to its layer's weight: the network then costs what it did before.

    A KeyError or RuntimeError where the adapters are not of this network.
    """
    weights = dict(network.named_parameters())
    for name in kept:
        layer, _, part = name.rpartition(".")
        if part == "A":
            weights[f"{layer}.weight"].add_(kept[f"{layer}.B"] @ kept[name])
