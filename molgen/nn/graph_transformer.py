"""A transformer over dense graphs: every pair of nodes has a state of its own, beside the nodes'.

A batch holds graphs of one size, so nothing is padded and nothing is masked. What makes it cheap on a CPU and still
able to see rings (the wide states are the nodes', the many ones are the edges'):

- attention between nodes is biased by the edges, not scaled channel by channel (as DiGress does, at several times the
  cost);
- an edge hears of its two nodes through a sum and of the paths over a third node through a matrix product of the edge
  states with themselves, channel by channel (Maron et al. 2019, Provably powerful graph networks): this is what counts
  cycles, so no ring features need be computed;
- a node hears of its edges through an unscaled sum, which attention alone cannot give: valence is a sum;
- what is said of a whole graph, its time and its conditions, scales and shifts the nodes' states as each layer reads
  them (adaLN; Peebles & Xie 2023), so that it can be weighed against what the graph holds.

The layer norms have no weights (`molgen.nn.transformer.norm`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.nn.tally import GraphTally
from molgen.nn.transformer import norm

RANK = 80  # of what a graph as a whole does to its nodes
FREQUENCIES = 16  # of the time code: pi / 2 times 1, 2, 3, ...


class GraphBlock(nn.Module):
    """One layer: nodes and edges, (batch, n, width) and (batch, n, n, edge_width), to the same.

    Where edges are `directed`, the node that an edge begins at and the one it ends at tell it different things.
    """

    def __init__(
        self, width: int, heads: int, edge_width: int, pair_width: int, feedforward: int, directed: bool
    ) -> None:
        super().__init__()
        self.heads, self.ends = heads, [pair_width] * (1 + directed)
        self.node_in = nn.Linear(width, 3 * width + sum(self.ends), bias=False)
        self.edge_in = nn.Linear(edge_width, heads + 2 * pair_width, bias=False)
        self.node_out = nn.Linear(width + pair_width, width, bias=False)
        self.edge_out = nn.Linear(pair_width, edge_width, bias=False)
        self.up = nn.Linear(width, feedforward, bias=False)
        self.down = nn.Linear(feedforward, width, bias=False)
        self.modulation = nn.Sequential(nn.Linear(width, RANK, bias=False), nn.Linear(RANK, 4 * width))

    def forward(
        self, x: Float[Tensor, "batch n width"], e: Float[Tensor, "batch n n edge"], said: Float[Tensor, "batch width"]
    ) -> tuple[Float[Tensor, "batch n width"], Float[Tensor, "batch n n edge"]]:
        """`said` is what is known of each graph as a whole."""
        scale, shift, scale_up, shift_up = self.modulation(F.silu(said)).unsqueeze(1).chunk(4, -1)
        q, k, v, *ends = self.node_in(torch.addcmul(shift, norm(x), 1 + scale)).split([x.shape[-1]] * 3 + self.ends, -1)
        bias, paths, pair = self.edge_in(norm(e)).split([self.heads, *[self.ends[0]] * 2], -1)
        pair = pair + (ends[0].unsqueeze(2) + ends[-1].unsqueeze(1)) + _two_steps(paths)
        pair = pair.relu()
        around = pair.sum(2) * x.shape[1] ** -0.5
        x = x + self.node_out(torch.cat([self._attend(q, k, v, bias), around], -1))
        x = x + self.down(self.up(torch.addcmul(shift_up, norm(x), 1 + scale_up)).relu().square())
        return x, e + self.edge_out(pair)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Float[Tensor, "batch n width"]:
        batch, n, width = q.shape
        q, k, v = (
            part.reshape(batch, n, self.heads, -1).transpose(1, 2).reshape(batch * self.heads, n, -1)
            for part in (q, k, v)
        )
        bias = bias.permute(0, 3, 1, 2).reshape(batch * self.heads, n, n)
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=(width // self.heads) ** -0.5)
        mixed = torch.bmm(torch.softmax(scores, -1), v)
        return mixed.view(batch, self.heads, n, -1).transpose(1, 2).reshape(batch, n, width)


class Classes(nn.Module):
    """The classes of nodes or of edges: how they and the time become a state, and the state their logits."""

    def __init__(self, seen: int, told: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(seen, width)
        self.code = nn.Linear(2 * FREQUENCIES, width)  # of the time
        self.logits = nn.Linear(width, told)


class GraphTransformer(nn.Module):
    """Classes of nodes and edges, and a time, to logits over the classes of each node and each edge.

    Equivariant under any order of the nodes. Unless edges are `directed`, their classes must be symmetric, and so are
    their logits. The diagonal has a class of its own. With `told`, each node and each edge has that many numbers in the
    place of logits over its classes.
    """

    def __init__(
        self,
        node_classes: int,
        edge_classes: int,
        *,
        width: int,
        layers: int,
        heads: int,
        edge_width: int,
        pair_width: int,
        feedforward: int,
        directed: bool = False,
        told: int | None = None,
        tally: GraphTally | None = None,
    ) -> None:
        super().__init__()
        self.tally = tally
        self.loop = edge_classes  # the class of an edge from a node to itself
        self.nodes = Classes(node_classes, told or node_classes, width)
        self.edges = Classes(edge_classes + 1, told or edge_classes, edge_width)
        self.blocks: Sequence[GraphBlock] = nn.ModuleList(  # type: ignore[assignment]
            GraphBlock(width, heads, edge_width, pair_width, feedforward, directed) for _ in range(layers)
        )
        self._initialise()

    def forward(
        self,
        nodes: Int[Tensor, "batch n"],
        edges: Int[Tensor, "batch n n"],
        time: Float[Tensor, " batch"],
        bias: Float[Tensor, "batch width"] | None = None,
    ) -> tuple[Float[Tensor, "batch n node_classes"], Float[Tensor, "batch n n edge_classes"]]:
        """Logits; `bias` is said of its graph as a whole, beside the time."""
        x, e = self.embedded(nodes, edges)
        if self.tally is not None:
            x = x + self.tally(nodes)
        return self.from_embedded(x, e, time, bias)

    def embedded(
        self, nodes: Int[Tensor, "batch n"], edges: Int[Tensor, "batch n n"]
    ) -> tuple[Float[Tensor, "batch n width"], Float[Tensor, "batch n n edge"]]:
        """The vectors of the classes: rows of the embeddings, which is where a gradient can be taken."""
        edges = edges + self.loop * torch.eye(nodes.shape[1], dtype=torch.long, device=edges.device)
        return self.nodes.embedding(nodes), self.edges.embedding(edges)

    def from_embedded(
        self,
        x: Float[Tensor, "batch n width"],
        e: Float[Tensor, "batch n n edge"],
        time: Float[Tensor, " batch"],
        bias: Float[Tensor, "batch width"] | None = None,
    ) -> tuple[Float[Tensor, "batch n told"], Float[Tensor, "batch n n told"]]:
        """Logits, from what `embedded` gives."""
        code = _time_code(time).to(self.nodes.code.weight.dtype)
        said = self.nodes.code(code) if bias is None else self.nodes.code(code) + bias
        x = x + said.unsqueeze(1)
        e = e + self.edges.code(code)[:, None, None]
        if torch.is_autocast_enabled(x.device.type):  # the residual streams are kept in the low precision too
            low = torch.get_autocast_dtype(x.device.type)
            x, e, said = x.to(low), e.to(low), said.to(low)
        for block in self.blocks:
            x, e = block(x, e, said)
        return self.nodes.logits(norm(x)), self.edges.logits(norm(e))

    def _initialise(self) -> None:
        """Each block starts as the identity and all logits at zero."""
        for name, parameter in self.named_parameters():
            if (
                parameter.ndim == 1
                or name.startswith("tally")
                or name.endswith(("_out.weight", "down.weight", "logits.weight", "modulation.1.weight"))
            ):
                nn.init.zeros_(parameter)
            elif name.endswith("embedding.weight"):
                nn.init.normal_(parameter)
            else:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)


def _two_steps(paths: Float[Tensor, "batch n n channels"]) -> Float[Tensor, "batch n n channels"]:
    """Sum over the nodes between: out[i, j] = sum over k of paths[i, k] * paths[k, j], in each channel."""
    batch, n, _, channels = paths.shape
    flat = paths.permute(0, 3, 1, 2).reshape(batch * channels, n, n)
    return (torch.bmm(flat, flat) * n**-0.5).view(batch, channels, n, n).permute(0, 2, 3, 1)


def _time_code(time: Float[Tensor, " batch"]) -> Float[Tensor, "batch code"]:
    """Sines and cosines of a time in [0, 1]."""
    frequencies = torch.arange(1, FREQUENCIES + 1, device=time.device, dtype=time.dtype) * (math.pi / 2)
    angles = time[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)
