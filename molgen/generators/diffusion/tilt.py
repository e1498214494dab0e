"""Guidance by a predictor: how much likelier each jump becomes when a property is asked for.

A jump of one variable from the state z to z' is to be as likely as without the wish, times

    p(y | z') / p(y | z)                                      (Nisonoff et al. 2024, Unlocking Guidance, eq. 4)

The predictor, trained on noisy graphs, gives p(y | z) = N(y; m(z), s(z)^2). Asking it of each z' would take one call a
jump; its gradient with respect to the one-hot state takes one call for all of them: m(z') = m(z) + d, where d is the
gradient's entry for the new class less that for the present one, and s stays (first order, as in DiGress, sec. 4.1).
Only the mean is taken as linear: the square of the error is kept, so that a jump which overshoots gains nothing, and
where m is linear and s constant the ratio is exact.

The formula holds for the process that undoes the noise the way it came, which the sampler `posterior` follows. `flow`
reaches the same data by other ways, on which the predictor knows a little less of the end: it stays somewhat short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.noise import Distributions, States

MOST = 4.0  # nats that a jump can gain: far from the graph at hand the gradient says little

Tilt = Callable[[Graphs, Tensor], tuple[Distributions, Distributions | None]]
"""Log of how much likelier each class of each node and pair becomes, given noisy graphs and their times (batch, 1);
None for pairs that are left alone."""


def log_ratios(
    slopes: Sequence[Distributions],
    state: States,
    error: Float[Tensor, "batch properties"],
    variance: Float[Tensor, "batch properties"],
) -> Distributions:
    """log p(y | z') - log p(y | z) for each class that each variable could jump to, summed over the properties.

    `slopes` are each property's gradient with respect to the one-hot state, `error` is m(z) - y. A property that is not
    asked for has an infinite variance.
    """
    total = torch.zeros_like(slopes[0])
    for k, slope in enumerate(slopes):
        step = slope - slope.gather(-1, state.unsqueeze(-1))
        e, v = (x[:, k, None, None] for x in (error, variance))
        total = total - step * (step + 2 * e) / (2 * v)
    return total


def tilted(weights: Distributions, log_ratio: Distributions | None, strength: float) -> Distributions:
    """Rates or probabilities times the ratios to the power of `strength`."""
    return weights if log_ratio is None else weights * (strength * log_ratio).clamp(max=MOST).exp()
