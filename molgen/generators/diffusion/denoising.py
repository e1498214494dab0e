"""From noise to graphs in a given number of steps, each draw from random numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from molgen.generators.diffusion.batches import Noises
from molgen.generators.diffusion.beliefs import Predict
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.noise import Distributions, Noise, jump, pick
from molgen.generators.diffusion.scaffold import FREE
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.diffusion.tilt import Tilt, tilted

Settle = Callable[[Graphs, Distributions, Distributions], Graphs]
"""The clean graphs of the last step, from those drawn and what is believed of their nodes and pairs."""


class Begin(NamedTuple):
    """Graphs that draws begin at in the place of noise: each with the noise of a time on it (0: all, 1: none)."""

    graphs: Graphs
    time: float


def times(steps: int, distortion: str) -> list[float]:
    """The times from 0 to 1 at which the graph is looked at; `steps` intervals."""
    even = [k / steps for k in range(steps + 1)]
    return even if distortion == "none" else [2 * t - t * t for t in even]


def numbers_needed(n: int, steps: int) -> int:
    """Random numbers of one draw of n nodes: for each variable its noise, when it is known, and each step."""
    return (n + n * (n - 1) // 2) * (steps + 2)


def denoise(
    predict: Predict,
    noises: Noises,
    uniforms: Float[Tensor, "batch numbers"],
    n: int,
    how: DiffusionDrawing,
    settle: Settle,
    fixed: Graphs | None = None,
    tilt: Tilt | None = None,
    begin: Begin | None = None,
) -> Iterator[Graphs]:
    """The graphs of n nodes at each of the `times`: noise first, then steps + 1 states, the last one clean.

    Variables of `fixed` (a batch of one) that are not FREE follow the path from noise to their class as the others are
    believed to do, so that the network sees states like those it was trained on; at time 1 they are what was asked.
    `tilt` makes some jumps likelier than they are believed to be. From `begin` on, only the steps after its time are
    taken.
    """
    chunks = uniforms.view(len(uniforms), how.steps + 2, -1)
    noise = Graphs(*_each(lambda kind, u: kind.draw(u), noises, _cut(chunks[:, 0], n)))
    known = _cut(chunks[:, 1], n)
    grid = times(how.steps, how.distortion)
    if begin is not None:
        grid = [begin.time, *(t for t in grid if t > begin.time)]
    state = _clamp(noise, noise, known, begin.graphs if begin is not None else None, grid[0])
    state = _clamp(state, noise, known, fixed, grid[0])
    yield state
    for step, (now, later) in enumerate(pairwise(grid)):
        t, s = (uniforms.new_full((len(uniforms), 1), value) for value in (now, later))
        probs, ratios = predict(state, t), tilt(state, t) if tilt else (None, None)
        if later == 1:
            probs = (tilted(probs[0], ratios[0], how.guidance), tilted(probs[1], ratios[1], how.guidance))
            probs = probs if fixed is None else _known(probs, fixed)
        drawn = Graphs(*_each(_move(how, t, s), noises, probs, state, _cut(chunks[:, step + 2], n), ratios))
        if later == 1 and how.constrained:
            drawn = settle(drawn, *probs)
        state = _clamp(drawn, noise, known, fixed, later)
        yield state


def _move(how: DiffusionDrawing, now: Tensor, later: Tensor) -> Callable[..., Tensor]:
    """The step of one kind of variable. The last one draws the clean classes as they are believed to be."""
    last = bool((later >= 1).all())

    def move(kind: Noise, probs: Distributions, state: Tensor, uniforms: Tensor, ratio: Tensor | None) -> Tensor:
        if last:
            return pick(probs, uniforms)
        if how.sampler == "posterior":
            return pick(tilted(kind.posterior(probs, state, now, later), ratio, how.guidance), uniforms)
        if how.sampler == "direct":
            rates = kind.direct_rates(probs, state, now, eta=how.eta)
        else:
            rates = kind.rates(probs, state, now, eta=how.eta, omega=how.omega)
        return jump(tilted(rates, ratio, how.guidance), state, later - now, uniforms)

    return move


def _clamp(state: Graphs, noise: Graphs, known: tuple[Tensor, Tensor], fixed: Graphs | None, time: float) -> Graphs:
    if fixed is None:
        return state
    parts = zip(state, noise, known, fixed, strict=True)
    return Graphs(*(torch.where(f == FREE, z, torch.where(u < time, f, z0)) for z, z0, u, f in parts))


def _known(probs: tuple[Distributions, Distributions], fixed: Graphs) -> tuple[Distributions, Distributions]:
    """Beliefs, where what is fixed is certain."""
    nodes, pairs = (
        torch.where((f == FREE).unsqueeze(-1), p, F.one_hot(f.clamp(min=0), p.shape[-1]).to(p.dtype))
        for p, f in zip(probs, fixed, strict=True)
    )
    return nodes, pairs


def _cut(uniforms: Float[Tensor, "batch variables"], n: int) -> tuple[Tensor, Tensor]:
    return uniforms[:, :n], uniforms[:, n:]


def _each(function: Callable[..., Tensor], noises: Noises, *arguments: tuple[Tensor | None, ...]) -> Iterator[Tensor]:
    """The function of nodes, then of pairs."""
    return (function(*kind) for kind in zip(noises, *arguments, strict=True))
