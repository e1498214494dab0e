"""Noise on classes: the path from data to noise, and the two ways back (flow matching and discrete diffusion).

At time t in [0, 1] each variable of a graph (the class of a node or of a pair of nodes) is its clean class z1 with
probability t, and otherwise drawn from a fixed distribution p0, the classes' frequencies in the data:

    p_t(z | z1) = t [z = z1] + (1 - t) p0(z)                                        (time 1 is data, time 0 noise)

- *Discrete flow matching* (Campbell et al. 2024; DeFoG: Qin et al. 2024) goes from 0 to 1 in continuous time, by rates
  of jumping from the present class to each other one. Many rates follow the path: DeFoG's, or those that jump to the
  believed class alone (Gat et al. 2024).
- *Discrete diffusion* (D3PM: Austin et al. 2021; DiGress: Vignac et al. 2023) draws the state at a later time s from
  its posterior given the state at t; here the cumulative alpha of those papers is t itself.

Both need the distribution of z1 given the whole noisy graph, which the network estimates. DeFoG draws a z1 from it in
each step and takes the rates given that z1; here the expectation over z1 is taken, which has a closed form.

Shapes: states `(batch, variables)`, distributions `(batch, variables, classes)`, times `(batch, 1)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

States = Int[Tensor, "batch variables"]
Distributions = Float[Tensor, "batch variables classes"]


class Noise:
    """The path of one kind of variable. `counts` are how often each class occurs in the data."""

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = list(counts)
        frequencies = torch.tensor(self.counts, dtype=torch.float64)
        self.prior = frequencies / frequencies.sum().clamp(min=1)
        self.support = max(int((frequencies > 0).sum()), 1)  # classes that noise can show

    def draw(self, uniforms: Float[Tensor, "batch variables"]) -> States:
        """States at time 0."""
        return pick(self._prior(uniforms).expand(*uniforms.shape, -1), uniforms)

    def blur(self, clean: States, time: Float[Tensor, "batch 1"], noise: States, uniforms: Tensor) -> States:
        """States at `time`: the clean one where the uniform number is below it, else `noise` (a state at time 0).

        With the same noise and uniforms, a state that is clean at one time is clean at all later ones.
        """
        return torch.where(uniforms < time, clean, noise)

    def likely(self, logits: Distributions, state: States, time: Float[Tensor, "batch 1"]) -> Distributions:
        """Logits of z1 from the network's: Bayes' rule for a variable on its own is added to them.

        So the network learns only what the rest of the graph tells, and its logits may stay small at all times.
        """
        prior = self._prior(logits)
        seen = prior[state]
        evidence = torch.log1p(time / ((1 - time).clamp(min=1e-6) * seen.clamp(min=1e-9)))
        return (logits + prior.log()).scatter_add_(-1, state.unsqueeze(-1), evidence.unsqueeze(-1))

    def rates(
        self, probs: Distributions, state: States, time: Float[Tensor, "batch 1"], *, eta: float, omega: float
    ) -> Distributions:
        """Rates of jumping to each class, 0 for the present one: the expectation over z1 ~ `probs` of

            R(z, z' | z1) = relu(dp_t(z') - dp_t(z)) / (Z p_t(z)) + eta p_t(z') + omega [z' = z1] / (Z p_t(z))

        with p_t(.) = p_t(. | z1), dp_t its derivative in t and Z the number of classes that noise can show (DeFoG,
        eq. 5, and its stochasticity and target guidance; the latter only where z is not z1). The term with eta keeps
        p_t as it is (detailed balance): it lets earlier choices be taken back.
        """
        prior = self._prior(probs)
        own = prior[state].unsqueeze(-1)
        here = state.unsqueeze(-1)
        stay = probs.gather(-1, here)
        time = time.unsqueeze(-1)
        towards = probs * ((1 - prior + own).clamp(min=0) + omega)  # z' is z1
        aside = (1 - probs - stay).clamp(min=0) * (own - prior).clamp(min=0) * (prior > 0)  # z1 is a third class
        out = (towards + aside) / (self.support * (1 - time) * own.clamp(min=1e-9))
        if eta:
            out = out + eta * (time * probs + (1 - time) * prior)
        return out.scatter(-1, here, 0.0)

    def direct_rates(
        self, probs: Distributions, state: States, time: Float[Tensor, "batch 1"], *, eta: float
    ) -> Distributions:
        """Rates that follow the same path by jumps to z1 alone (Gat et al. 2024, eq. 25): the expectation of

            R(z, z' | z1) = [z' = z1] / (1 - t) + eta p_t(z')

        An Euler step of them is exact for a given belief. With thousands of classes, most of them rare, those of
        `rates` lead over rare ones and are too fast for a step where they leave them.
        """
        time, prior = time.unsqueeze(-1), self._prior(probs)
        out = probs / (1 - time)
        if eta:
            out = out + eta * (time * probs + (1 - time) * prior)
        return out.scatter(-1, state.unsqueeze(-1), 0.0)

    def posterior(self, probs: Distributions, state: States, time: Tensor, later: Tensor) -> Distributions:
        """Distribution of the state at `later` given that at `time`, for z1 ~ `probs`: the sum over z1 of

        q(z_s | z_t, z1) = q(z_t | z_s) q(z_s | z1) / q(z_t | z1)          with time t < later s (DiGress, eq. 3)
        """
        prior = self._prior(probs)
        own = prior[state].unsqueeze(-1)
        here = F.one_hot(state, len(prior)).to(probs.dtype)
        t, s = time.unsqueeze(-1), later.unsqueeze(-1)
        weights = probs / (t * here + (1 - t) * own).clamp(min=1e-12)
        weights = s * weights + (1 - s) * prior * weights.sum(-1, keepdim=True)
        return ((t / s) * here + (1 - t / s) * own) * weights

    def _prior(self, like: Tensor) -> Float[Tensor, " classes"]:
        return self.prior.to(device=like.device, dtype=like.dtype)


def jump(rates: Distributions, state: States, step: Float[Tensor, "batch 1"], uniforms: Tensor) -> States:
    """The states after an Euler step of length `step`: at most one jump of each variable."""
    leave = rates * step.unsqueeze(-1)
    stay = (1 - leave.sum(-1, keepdim=True)).clamp(min=0)
    return pick(leave.scatter(-1, state.unsqueeze(-1), stay), uniforms)


def pick(weights: Distributions, uniforms: Float[Tensor, "batch variables"]) -> States:
    """A class for each variable, drawn in proportion to the weights."""
    sums = weights.cumsum(-1)
    found = (sums <= (uniforms.unsqueeze(-1) * sums[..., -1:])).sum(-1)
    return found.clamp(max=weights.shape[-1] - 1)
