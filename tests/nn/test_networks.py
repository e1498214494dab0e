"""Both networks: rectangles against single sequences, cached steps against whole passes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from molgen.nn.gru import Layer, Recurrent
from molgen.nn.tally import OPEN, STEP, STEPS, Running, Tally
from molgen.nn.transformer import Transformer, spread

SHAPES = [(3, 4), (2, 7)]


@pytest.fixture(params=["transformer", "gru", "transformer and tally", "gru and tally"])
def network(request: pytest.FixtureRequest) -> Transformer | Recurrent:
    torch.manual_seed(0)
    tally = None
    if "tally" in request.param:
        tally = Tally(torch.randint(-1, 2, (11, 4)) * torch.tensor([1500, 1, 1, 1]), 16)
        nn.init.normal_(tally.code.weight)
    if request.param.startswith("gru"):
        return Recurrent(11, width=16, layers=2, dropout=0.0, tally=tally).double().eval()
    sizes = {"width": 16, "layers": 2, "heads": 2, "feedforward": 32, "longest": 9}
    return Transformer(11, **sizes, dropout=0.0, tally=tally).double().eval()


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


def test_a_tally_tells_the_sums_of_what_was_written() -> None:
    """Codes by hand: a matrix with ones reads them out."""
    tally = Tally(torch.tensor([[0, 0, 0], [1200, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]]), 3)
    with torch.no_grad():
        for i, part in enumerate(tally.code.weight.split([STEPS, OPEN, OPEN], 1)):
            part[i] = STEP if i == 0 else 1
    told = tally(torch.tensor([1, 2, 4, 1, 3, 4, 0, 0]), [(1, 6), (1, 2)])
    assert told[:6].tolist() == [[12, 0, 0], [12, 1, 0], [12, 1, 1], [24, 1, 1], [24, 0, 1], [24, 0, 0]]
    assert told[6:].tolist() == [[0, 0, 0]] * 2


def test_a_tally_in_low_precision_counts_exactly() -> None:
    tally = Tally(torch.tensor([[1], [0]]) * torch.tensor([[1201, 0, 0]]), 2).bfloat16()
    running = Running()
    for _ in range(50):
        tally.step(torch.tensor([0]), running)
    assert running.totals is not None
    assert running.totals[0, 0].item() == 50 * 1201
