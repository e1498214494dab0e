"""The variational bound: a lower bound of the log-probability of a molecule's graph, in nats.

A chain of posterior steps (`noise.Noise.posterior`) is a hierarchical model whose evidence has the bound

    log p(G | n) >= - sum over steps of E KL( q(z_s | z_t, G) || p(z_s | z_t) )

(Austin et al. 2021, eq. 1; at time 0 noise and prior are the same, and the last step's term is the cross-entropy of G).
The sum is estimated from some of the steps, evenly spread with a random shift: unbiased, so the mean over molecules is
sharp where one molecule's value is noisy. G is a numbered graph; a molecule is all its distinct numberings, which the
network cannot tell apart, so log(n! / automorphisms) and log p(n) are added.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from molgen.generators.diffusion.batches import Noises
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.noise import Distributions, Noise, States

STEPS = 1_000
SAMPLES = 32  # of the steps, for each molecule

Logits = Callable[[Graphs, Tensor], tuple[Distributions, Distributions]]


def bound(
    logits: Logits,
    noises: Noises,
    clean: Graphs,
    generator: torch.Generator,
    *,
    samples: int = SAMPLES,
    steps: int = STEPS,
) -> Float[Tensor, ""]:
    """An unbiased estimate of the bound of log p(G | n) for one numbered graph, `clean` with a batch of one."""
    shift = torch.rand((), generator=generator)
    step = ((torch.arange(samples) + shift) / samples * steps).long().clamp(max=steps - 1)
    many = Graphs(*(part.expand(samples, -1) for part in clean))
    uniforms = [torch.rand((2, *part.shape), generator=generator) for part in many]
    device = clean.nodes.device
    now, later = ((step + k).to(device).unsqueeze(1) / steps for k in (0, 1))
    noisy = [
        kind.blur(part, now, kind.draw(first.to(device)), second.to(device))
        for kind, part, (first, second) in zip(noises, many, uniforms, strict=True)
    ]
    found = logits(Graphs(*noisy), now)
    parts = [
        _divergence(kind, guess, state, part, now.to(guess.dtype), later.to(guess.dtype)).sum()
        for kind, guess, state, part in zip(noises, found, noisy, many, strict=True)
    ]
    return -(parts[0] + parts[1]) * (steps / samples)


def _divergence(
    noise: Noise, logits: Distributions, state: States, clean: States, now: Tensor, later: Tensor
) -> Float[Tensor, "batch variables"]:
    """KL of the step's true distribution, given the clean class, from the believed one."""
    known = torch.zeros_like(logits).scatter(-1, clean.unsqueeze(-1), 1.0)
    true = noise.posterior(known, state, now, later)
    believed = noise.posterior(torch.softmax(logits, -1), state, now, later)
    return torch.where(true > 0, true * (true.clamp(min=1e-30).log() - believed.clamp(min=1e-30).log()), 0.0).sum(-1)
