"""Noise, rates and posterior against brute force on a variable of three states."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from molgen.generators.diffusion.noise import Noise, jump, pick

COUNTS = [6, 3, 1]
PRIOR = np.array([0.6, 0.3, 0.1])


def path(time: float, clean: int) -> np.ndarray:
    """p_t(. | z1)."""
    return time * np.eye(3)[clean] + (1 - time) * PRIOR


def tensor(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def rates_given(time: float, clean: int, *, eta: float = 0.0, omega: float = 0.0) -> np.ndarray:
    """All rates (from, to) for a known clean state."""
    probs = tensor(np.eye(3)[clean]).expand(1, 3, 3)
    found = Noise(COUNTS).rates(probs, torch.arange(3)[None], tensor([[time]]), eta=eta, omega=omega)
    return found[0].numpy()


@pytest.mark.parametrize("time", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("eta", [0.0, 3.0])
@pytest.mark.parametrize("clean", [0, 1, 2])
def test_rates_carry_the_path(time: float, eta: float, clean: int) -> None:
    """Kolmogorov's forward equation: what flows into a state less what flows out is the path's derivative."""
    rates = rates_given(time, clean, eta=eta)
    mass = path(time, clean)
    if time == 0:
        assert np.allclose(rates_given(time, clean), rates_given(time, clean).clip(0))
    change = mass @ rates - mass * rates.sum(1)
    assert np.allclose(change, np.eye(3)[clean] - PRIOR)


@pytest.mark.parametrize("time", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("eta", [0.0, 3.0])
@pytest.mark.parametrize("clean", [0, 1, 2])
def test_direct_rates_carry_the_path_too(time: float, eta: float, clean: int) -> None:
    probs = tensor(np.eye(3)[clean]).expand(1, 3, 3)
    rates = Noise(COUNTS).direct_rates(probs, torch.arange(3)[None], tensor([[time]]), eta=eta)[0].numpy()
    mass = path(time, clean)
    assert np.allclose(mass @ rates - mass * rates.sum(1), np.eye(3)[clean] - PRIOR)
    assert eta or np.count_nonzero(rates) == 2


def test_a_direct_step_is_exact() -> None:
    """However long: shares at a later time are those of the path."""
    noise, now, later = Noise(COUNTS), 0.1, 0.8
    probs = tensor([0, 0, 1]).expand(1, 3, 3)
    rates = noise.direct_rates(probs, torch.arange(3)[None], tensor([[now]]), eta=0.0)[0].numpy()
    moved = np.eye(3) + (later - now) * (rates - np.diag(rates.sum(1)))
    assert np.allclose(path(now, 2) @ moved, path(later, 2))


def test_rates_are_the_published_ones() -> None:
    """DeFoG's equation, state by state."""
    time, clean = 0.4, 1
    mass, slope = path(time, clean), np.eye(3)[clean] - PRIOR
    found = rates_given(time, clean)
    for here in range(3):
        for there in range(3):
            known = 0.0 if here == there else max(0.0, slope[there] - slope[here]) / (3 * mass[here])
            assert found[here, there] == pytest.approx(known)


def test_rates_are_expectations_over_the_clean_state() -> None:
    noise, time, probs = Noise(COUNTS), 0.3, [0.2, 0.5, 0.3]
    for eta, omega in [(0.0, 0.0), (2.0, 0.0), (0.0, 0.5), (2.0, 0.5)]:
        found = noise.rates(
            tensor(probs).expand(1, 3, 3), torch.arange(3)[None], tensor([[time]]), eta=eta, omega=omega
        )
        known = sum(p * rates_given(time, clean, eta=eta, omega=omega) for clean, p in enumerate(probs))
        assert np.allclose(found[0].numpy(), known)


def test_target_guidance_speeds_up_the_way_to_the_target_only() -> None:
    faster = rates_given(0.3, 2, omega=0.5) - rates_given(0.3, 2)
    assert (faster[:2, 2] > 0).all()
    assert np.count_nonzero(faster) == 2


@pytest.mark.parametrize(("time", "later"), [(0.0, 0.3), (0.2, 0.5), (0.5, 1.0)])
def test_posterior_is_bayes_rule(time: float, later: float) -> None:
    """By enumeration: the chance of each (clean, later, now), with the noising step from `later` back to `time`."""
    probs = np.array([0.2, 0.5, 0.3])
    ratio = time / later
    step = ratio * np.eye(3) + (1 - ratio) * PRIOR  # q(now | later)
    found = (
        Noise(COUNTS)
        .posterior(tensor(probs).expand(1, 3, 3), torch.arange(3)[None], tensor([[time]]), tensor([[later]]))[0]
        .numpy()
    )
    for now in range(3):
        known = np.zeros(3)
        for clean in range(3):
            joint = path(later, clean) * step[:, now]
            known += probs[clean] * joint / joint.sum()
        assert np.allclose(found[now], known)
        assert found[now].sum() == pytest.approx(1)


def test_likely_is_bayes_rule_for_one_variable() -> None:
    noise, time = Noise(COUNTS), 0.35
    found = noise.likely(torch.zeros(1, 3, 3, dtype=torch.float64), torch.arange(3)[None], tensor([[time]]))
    for now in range(3):
        known = np.array([PRIOR[clean] * path(time, clean)[now] for clean in range(3)])
        assert np.allclose(torch.softmax(found[0, now], -1).numpy(), known / known.sum())


@pytest.mark.parametrize("sampler", ["direct", "flow", "posterior"])
def test_all_samplers_end_in_the_data(sampler: str) -> None:
    """With the true beliefs, states drawn from noise are distributed as the data in the end."""
    data, count, steps = np.array([0.1, 0.2, 0.7]), 40_000, 40
    noise, generator = Noise(COUNTS), torch.Generator().manual_seed(0)
    uniforms = torch.rand((steps + 1, 1, count), dtype=torch.float64, generator=generator)
    state = noise.draw(uniforms[0])
    grid = np.linspace(0, 1, steps + 1)
    for k, (now, later) in enumerate(pairwise(grid)):
        t, s = tensor([[now]]), tensor([[later]])
        believed = np.array([[data[c] * path(now, c)[z] for c in range(3)] for z in range(3)])
        probs = tensor(believed / believed.sum(1, keepdims=True))[state]
        if sampler == "posterior":
            state = pick(noise.posterior(probs, state, t, s), uniforms[k + 1])
        elif later == 1:
            state = pick(probs, uniforms[k + 1])
        else:
            direct = sampler == "direct"
            rates = (
                noise.direct_rates(probs, state, t, eta=1.0)
                if direct
                else noise.rates(probs, state, t, eta=1.0, omega=0.0)
            )
            state = jump(rates, state, s - t, uniforms[k + 1])
    shares = np.bincount(state[0], minlength=3) / count
    assert np.allclose(shares, data, atol=0.01 if sampler == "posterior" else 0.03)


def test_noise_shows_no_class_that_the_data_lack() -> None:
    noise = Noise([0, 5, 0, 5, 0])
    uniforms = torch.linspace(0, 1, 1001, dtype=torch.float64)[None, :-1]
    assert set(noise.draw(uniforms).unique().tolist()) == {1, 3}
    assert torch.isinf(
        noise.likely(torch.zeros(1, 1, 5), torch.ones(1, 1, dtype=torch.long), torch.zeros(1, 1))[0, 0, 0]
    )


def test_blur_is_a_path_of_its_own() -> None:
    noise, clean = Noise(COUNTS), torch.zeros(1, 1000, dtype=torch.long)
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand((2, 1, 1000), generator=generator)
    dark = noise.draw(first)
    at = [noise.blur(clean, torch.tensor([[t]]), dark, second) for t in (0.0, 0.5, 1.0)]
    assert torch.equal(at[0], dark)
    assert torch.equal(at[2], clean)
    assert ((at[1] == clean) | (at[1] == dark)).all()
    assert (at[1] == clean).double().mean() == pytest.approx(0.5 + 0.5 * 0.6, abs=0.05)
