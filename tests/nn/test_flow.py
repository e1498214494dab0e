"""The rectified flow learns a distribution that a closed formula knows."""

import torch

from molgen.nn.flow import RectifiedFlow


def test_it_learns_mean_and_spread() -> None:
    torch.manual_seed(0)
    flow = RectifiedFlow(2, 48, 1)
    optimizer = torch.optim.Adam(flow.parameters(), 5e-3)
    mean, spread = torch.tensor([1.5, -1.0]), torch.tensor([0.3, 0.8])
    for _ in range(400):
        loss = flow.loss(mean + spread * torch.randn(256, 2)) / 256
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        drawn = flow.push(torch.randn(4000, 2))
    assert torch.allclose(drawn.mean(0), mean, atol=0.12)
    assert torch.allclose(drawn.std(0), spread, atol=0.12)


def test_untrained_it_is_the_normal_distribution() -> None:
    """Its last layer begins at zero weights and only its bias, which is drawn, moves the noise."""
    flow = RectifiedFlow(3, 16, 2)
    torch.nn.init.zeros_(flow.leave.bias)
    noise = torch.randn(10, 3)
    assert torch.allclose(flow.push(noise), noise)


def test_its_loss_is_the_same_with_the_same_generator() -> None:
    flow, data = RectifiedFlow(3, 16, 1), torch.randn(8, 3)
    first, second = (float(flow.loss(data, torch.Generator().manual_seed(4)).detach()) for _ in range(2))
    assert first == second
