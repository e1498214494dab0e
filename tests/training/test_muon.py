"""Muon is PyTorch's where that can be had, and does what its iteration promises in float32."""

from __future__ import annotations

import pytest
import torch

from molgen.training.muon import Muon, orthogonalised

SHAPES = [(6, 10), (10, 6), (8, 8)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0), (torch.float32, 2e-3)])
def test_it_steps_as_pytorch_s(dtype, tolerance):
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    one = Muon(ours, lr=0.02, weight_decay=0.1, dtype=dtype)
    other = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        for mine, yours in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            yours.grad = mine.grad.clone()
        one.step()
        other.step()
    for mine, yours in zip(ours, theirs, strict=True):
        assert float((mine - yours).detach().abs().max()) <= tolerance
    assert [list(state) for state in one.state.values()] == [["momentum_buffer"]] * 3  # as checkpoints know it


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_are_brought_near_to_one_and_the_directions_kept(shape):
    torch.manual_seed(1)
    matrix = 100 * torch.randn(shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ orthogonalised(matrix, torch.float32) @ right.T
    values = torch.diagonal(turned)
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3
    assert float((turned - torch.diag(values)).abs().max()) < 1e-4


def test_parameters_without_a_gradient_are_left_alone_and_zero_gives_zero():
    parameter, other = (torch.nn.Parameter(torch.ones(3, 4)) for _ in range(2))
    other.grad = torch.zeros(3, 4)
    Muon([parameter, other], lr=0.1, weight_decay=0.0, dtype=torch.float32).step()
    assert torch.equal(parameter.detach(), torch.ones(3, 4))
    assert torch.equal(other.detach(), torch.ones(3, 4))
