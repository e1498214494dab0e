"""The graph transformer: equivariance, directed edges, and what its matrix product can see."""

from __future__ import annotations

import pytest
import torch

from molgen.nn.graph_transformer import GraphTransformer
from molgen.nn.tally import STEP, GraphTally

SMALL = {"width": 16, "layers": 3, "heads": 2, "edge_width": 12, "pair_width": 8, "feedforward": 32}


def network(directed: bool = False, tally: bool = False) -> GraphTransformer:
    torch.manual_seed(0)
    told = GraphTally(torch.tensor([1500, 2801, 7610, 1703, 1600]), SMALL["width"]) if tally else None
    net = GraphTransformer(5, 4, directed=directed, tally=told, **SMALL).double()
    for parameter in net.parameters():  # what starts at zero would hide a mistake
        torch.nn.init.normal_(parameter, std=0.3)
    return net


def graphs(n: int = 7, directed: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    edges = torch.randint(4, (3, n, n)).triu(1)
    below = torch.randint(4, (3, n, n)).tril(-1) if directed else edges.transpose(1, 2)
    return torch.randint(5, (3, n)), edges + below, torch.rand(3, dtype=torch.float64)


@pytest.mark.parametrize("tally", [False, True])
@pytest.mark.parametrize("directed", [False, True])
def test_another_order_of_the_nodes_orders_the_logits(directed: bool, tally: bool) -> None:
    net = network(directed, tally)
    nodes, edges, time = graphs(directed=directed)
    order = torch.randperm(nodes.shape[1])
    node_logits, edge_logits = net(nodes, edges, time)
    moved_nodes, moved_edges = net(nodes[:, order], edges[:, order][:, :, order], time)
    assert torch.allclose(moved_nodes, node_logits[:, order], atol=1e-5)
    assert torch.allclose(moved_edges, edge_logits[:, order][:, :, order], atol=1e-5)


def test_symmetric_edges_have_symmetric_logits_and_directed_ones_need_not() -> None:
    _, symmetric = network()(*graphs())
    assert torch.allclose(symmetric, symmetric.transpose(1, 2), atol=1e-9)
    _, directed = network(directed=True)(*graphs())
    assert not torch.allclose(directed, directed.transpose(1, 2), atol=1e-2)


def test_a_new_network_believes_nothing() -> None:
    torch.manual_seed(0)
    node_logits, edge_logits = GraphTransformer(5, 4, **SMALL)(
        *(x.float() if x.is_floating_point() else x for x in graphs())
    )
    assert not node_logits.any()
    assert not edge_logits.any()


def test_a_node_is_told_the_mass_of_the_others() -> None:
    tally = GraphTally(torch.tensor([1500, 2800, 7600]), 1)
    torch.nn.init.constant_(tally.code.weight, STEP)  # so that the codes add up to the mass
    assert tally(torch.tensor([[0, 1, 2], [0, 0, 0]])).squeeze(-1).tolist() == [[104, 91, 43], [30, 30, 30]]


def test_it_tells_two_triangles_from_a_hexagon() -> None:
    """Message passing without the product cannot: every node has two equal neighbours in both."""
    net = network()
    hexagon, triangles = torch.zeros(6, 6, dtype=torch.long), torch.zeros(6, 6, dtype=torch.long)
    for i in range(6):
        hexagon[i, (i + 1) % 6] = hexagon[(i + 1) % 6, i] = 1
        triangles[i, i // 3 * 3 + (i + 1) % 3] = triangles[i // 3 * 3 + (i + 1) % 3, i] = 1
    nodes = torch.zeros(2, 6, dtype=torch.long)
    found, _ = net(nodes, torch.stack([hexagon, triangles]), torch.full((2,), 0.5, dtype=torch.float64))
    assert (found[0] - found[1]).abs().max() > 1e-5


def test_time_and_bias_reach_the_logits() -> None:
    net = network()
    nodes, edges, time = graphs()
    plain, _ = net(nodes, edges, time)
    later, _ = net(nodes, edges, time + 0.1)
    biased, _ = net(nodes, edges, time, torch.randn(3, SMALL["width"], dtype=torch.float64))
    assert not torch.allclose(plain, later)
    assert not torch.allclose(plain, biased)
