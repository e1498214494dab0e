"""Both networks: rectangles against single sequences, cached steps against whole passes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from molgen.nn.gru import Layer, Recurrent
from molgen.nn.transformer import Transformer, spread

SHAPES = [(3, 4), (2, 7)]


@pytest.fixture(params=["transformer", "gru"])
def network(request: pytest.FixtureRequest) -> Transformer | Recurrent:
    torch.manual_seed(0)
    if request.param == "gru":
        return Recurrent(11, width=16, layers=2, dropout=0.0).double().eval()
    return Transformer(11, width=16, layers=2, heads=2, feedforward=32, dropout=0.0, longest=9).double().eval()


@pytest.fixture
def sequences() -> list[Tensor]:
    return [torch.randint(11, (n,)) for count, n in SHAPES for _ in range(count)]


def test_sequences_do_not_see_each_other(network: Transformer | Recurrent, sequences: list[Tensor]) -> None:
    bias = torch.randn(5, 32, dtype=torch.float64)  # for each of two layers
    together = network(torch.cat(sequences), SHAPES, bias)
    alone = [network(s, [(1, len(s))], b[None]) for s, b in zip(sequences, bias, strict=True)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-12)


def test_cached_steps_are_the_whole_pass(network: Transformer | Recurrent, sequences: list[Tensor]) -> None:
    tokens, bias = torch.stack(sequences[3:]), torch.randn(2, 32, dtype=torch.float64)
    caches = network.empty_cache()
    steps = [network.step(tokens[:, i], caches, i, bias) for i in range(7)]
    whole = network(tokens.flatten(), [(2, 7)], bias).view(2, 7, -1)
    assert torch.allclose(torch.stack(steps, 1), whole, atol=1e-12)


def test_kept_sequences_go_on_as_they_were(network: Transformer | Recurrent, sequences: list[Tensor]) -> None:
    tokens = torch.stack(sequences[:3])
    caches, fewer = network.empty_cache(), network.empty_cache()
    for i in range(3):
        network.step(tokens[:, i], caches, i)
        network.step(tokens[:, i], fewer, i)
    rows = torch.tensor([2, 0, 2])
    for cache in fewer:
        cache.keep(rows)
    expected = network.step(tokens[:, 3], caches, 3)[rows]
    assert torch.allclose(network.step(tokens[rows, 3], fewer, 3), expected, atol=1e-12)


def test_the_bias_reaches_each_place_of_its_sequence_only(network: Transformer | Recurrent) -> None:
    bias = torch.zeros(5, 32, dtype=torch.float64, requires_grad=True)
    network(torch.zeros(26, dtype=torch.long), SHAPES, bias)[12 + 7 :].sum().backward()  # the last sequence
    assert bias.grad is not None
    assert bias.grad[:4].abs().sum() == 0
    assert bias.grad[4].abs().sum() > 0


def test_spread_repeats_a_vector_along_its_sequence() -> None:
    rows = torch.arange(5.0)[:, None]
    assert spread(rows, SHAPES).flatten().tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 7 + [4] * 7


def test_a_layer_is_the_gated_recurrent_unit() -> None:
    torch.manual_seed(0)
    layer, theirs = Layer(8), torch.nn.GRU(8, 8, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(layer.inputs.weight)
        theirs.bias_ih_l0.copy_(layer.inputs.bias)
        theirs.weight_hh_l0.copy_(layer.hidden.weight)
        theirs.bias_hh_l0.copy_(layer.hidden.bias)
    x, weights = torch.randn(3, 6, 8, requires_grad=True), torch.randn(3, 6, 8)
    theirs_x = x.detach().clone().requires_grad_()
    (layer(x) * weights).sum().backward()
    (theirs(theirs_x)[0] * weights).sum().backward()
    assert torch.allclose(layer(x), theirs(x)[0], atol=1e-6)
    for ours, other in (
        (x, theirs_x),
        (layer.inputs.weight, theirs.weight_ih_l0),
        (layer.inputs.bias, theirs.bias_ih_l0),
        (layer.hidden.weight, theirs.weight_hh_l0),
        (layer.hidden.bias, theirs.bias_hh_l0),
    ):
        assert torch.allclose(ours.grad, other.grad, atol=1e-5)


def test_gradients_through_time_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    layer = Layer(3).double()
    assert torch.autograd.gradcheck(layer, torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True))
