"""The sum of messages by DGL's own GINE layer. DGL is an extra; nothing else of the networks imports it."""

from __future__ import annotations

import dgl
from dgl.nn.pytorch import GINEConv
from torch import Tensor

_CONVOLUTION = GINEConv(None)  # without weights: those are in `message_passing.GINE`


def gine(x: Tensor, edges: Tensor, bonds: Tensor) -> Tensor:
    """`x_i + sum_j relu(x_j + bond_ji)`."""
    graph = dgl.graph((edges[0], edges[1]), num_nodes=len(x))
    return _CONVOLUTION(graph, x, bonds)
