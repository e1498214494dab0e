"""Graphs of one size as dense arrays: a class for each node, and one for each pair of nodes (0: not joined)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor


class Graphs(NamedTuple):
    """Graphs of n nodes each: their variables, laid flat."""

    nodes: Int[Tensor, "batch n"]
    pairs: Int[Tensor, "batch n*(n-1)/2"]  # of nodes i < j, row by row of the upper triangle

    @classmethod
    def of(cls, nodes: Int[Tensor, "batch n"], matrix: Int[Tensor, "batch n n"]) -> Graphs:
        """From a matrix of pairs, of which only the upper triangle is read."""
        return cls(nodes, pairs_of(matrix))

    @property
    def size(self) -> int:
        """Nodes of each graph."""
        return self.nodes.shape[1]


def square(graphs: Graphs, swapped: Int[Tensor, " classes"] | None = None) -> Int[Tensor, "batch n n"]:
    """The pairs as a matrix with a zero diagonal: symmetric, or below it each class as seen from its other end."""
    n = graphs.size
    above, below = torch.triu_indices(n, n, 1, device=graphs.pairs.device)
    out = graphs.pairs.new_zeros(len(graphs.pairs), n, n)
    out[:, above, below] = graphs.pairs
    out[:, below, above] = graphs.pairs if swapped is None else swapped[graphs.pairs]
    return out


def pairs_of(matrix: Tensor) -> Tensor:
    """The upper triangle of (batch, n, n, ...), laid flat to (batch, pairs, ...)."""
    above, below = torch.triu_indices(matrix.shape[1], matrix.shape[1], 1, device=matrix.device)
    return matrix[:, above, below]
