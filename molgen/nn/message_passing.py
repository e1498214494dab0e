"""Message passing over atoms and bonds (GINE), on PyG or on DGL: one set of weights, two ways to sum the messages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.core.errors import SettingsError
from molgen.nn.transformer import norm

Backend = Literal["auto", "pyg", "dgl"]
Sum = Callable[[Tensor, Tensor, Tensor], Tensor]


def chosen(backend: Backend) -> Literal["pyg", "dgl"]:
    """What `auto` means: PyG, which was faster than DGL where both were measured (docs/results/graph-vae.md)."""
    if backend == "dgl" and not has_dgl():
        raise SettingsError("model.backend = 'dgl': DGL is not installed; pip install 'molgen-pipeline[dgl]', or pyg")
    return "dgl" if backend == "dgl" else "pyg"


def has_dgl() -> bool:
    """Whether DGL is installed."""
    return find_spec("dgl") is not None


def message_sum(backend: Literal["pyg", "dgl"]) -> Sum:
    """`x, edges, bonds -> x_i + sum_j relu(x_j + bond_ji)`; edges are (2, edges), from source to target."""
    if backend == "dgl":
        from molgen.nn.message_passing_dgl import gine

        return gine
    from torch_geometric.nn import GINEConv

    convolution = GINEConv(nn.Identity())
    return lambda x, edges, bonds: convolution(x, edges, bonds)


class GINE(nn.Module):
    """Layers of x + MLP(norm(x_i + sum of relu(x_j + bond))), pre-normed (Hu et al. 2020, GINE; eps = 0)."""

    def __init__(self, atom_types: int, bond_types: int, width: int, layers: int, backend: Literal["pyg", "dgl"]):
        super().__init__()
        self.atoms = nn.Embedding(atom_types, width)
        self.bonds = nn.ParameterList(torch.randn(bond_types, width) for _ in range(layers))
        self.up = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(layers))
        self.down = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(layers))
        self._sum = message_sum(backend)

    def forward(
        self, atoms: Int[Tensor, " atoms"], edges: Int[Tensor, "2 edges"], bonds: Int[Tensor, " edges"]
    ) -> Float[Tensor, "atoms width"]:
        """The atoms' states after the last layer. `edges` holds each bond in both directions."""
        x = self.atoms(atoms)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        for bond, up, down in zip(self.bonds, self.up, self.down, strict=True):
            messages = self._sum(norm(x), edges, bond.to(x.dtype)[bonds])
            x = x + down(F.silu(up(norm(messages))))
        return x
