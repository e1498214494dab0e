"""The fused cross-entropy is torch's own, value and gradients."""

import pytest
import torch
from torch.nn import functional as F

from molgen.nn import cross_entropy
from molgen.nn.cross_entropy import linear_cross_entropy


@pytest.mark.parametrize("block", [1, 7, 512])
def test_value_and_gradients_are_those_of_separate_operations(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_entropy, "BLOCK", block)
    torch.manual_seed(0)
    shapes = (23, 8), (11, 8), (11,)
    one = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]
    two = [t.detach().clone().requires_grad_() for t in one]
    targets = torch.randint(0, 11, (23,))
    expected = F.cross_entropy(F.linear(one[0], one[1], one[2]), targets, reduction="sum")
    found = linear_cross_entropy(two[0], two[1], two[2], targets)
    assert torch.allclose(found, expected)
    (3 * expected).backward()
    (3 * found).backward()
    for a, b in zip(one, two, strict=True):
        assert torch.allclose(a.grad, b.grad)


def test_large_logits_do_not_overflow() -> None:
    states, weight = torch.tensor([[1e4, 0.0]]), torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert linear_cross_entropy(states, weight, torch.zeros(2), torch.tensor([0])) == 0
    assert linear_cross_entropy(states, weight, torch.zeros(2), torch.tensor([1])) == 2e4


def test_without_gradients_the_value_is_the_same() -> None:
    states, weight, bias = torch.randn(5, 4), torch.randn(6, 4), torch.randn(6)
    targets = torch.arange(5)
    with torch.no_grad():
        quiet = linear_cross_entropy(states, weight, bias, targets)
    assert torch.equal(quiet, linear_cross_entropy(states, weight.requires_grad_(), bias, targets))
