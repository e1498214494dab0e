"""Draws: latent vectors of a prior, decoded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from molgen.core import seeds
from molgen.generators.base import Samples
from molgen.generators.graph_vae.latent import posterior
from molgen.generators.graph_vae.sampling import decode, dtype_of, molecule
from molgen.generators.graph_vae.scaffold import Scaffold, contains, scaffolds
from molgen.generators.graph_vae.settings import GraphVAEDrawing
from molgen.generators.graph_vae.wishes import Draw, check, walked

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE

EDGE = 1e-12  # keeps uniform numbers away from 0 and 1, where the normal quantile is infinite


@torch.inference_mode()
def sample(model: GraphVAE, n: int, seed: int, first: int, drawing: GraphVAEDrawing) -> Samples:
    """Draws `first` to `first + n - 1`."""
    check(model, drawing.condition)
    choices = scaffolds(model, drawing.scaffold) if drawing.scaffold is not None else []
    draws: list[Draw] = []
    for start in range(first, first + n, model.config.sampling_batch):
        numbers = np.arange(start, min(start + model.config.sampling_batch, first + n))
        draw, noise = partial(_drawn, model, numbers, seed, drawing, choices), partial(fresh, model, numbers, seed)
        draws += walked(model, draw, noise, numbers, seed, drawing) if drawing.condition else draw(noise(0), 0)
    return Samples.of(draws)


def _drawn(
    model: GraphVAE,
    numbers: np.ndarray,
    seed: int,
    drawing: GraphVAEDrawing,
    choices: list[Scaffold],
    noise: Float[Tensor, "batch latent"],
    move: int,
) -> list[Draw]:
    """The molecules of some noise; each `move` has random numbers of its own for the decoder."""
    z = pushed(model, noise, numbers, seed, drawing, move)
    largest = _largest_ring(model, drawing)
    uniforms = seeds.uniforms(seeds.child(seed, "graph-vae", *([move] if move else [])), numbers, model.longest)
    if not choices:
        return [molecule(b) for b in decode(model, z, uniforms, drawing.temperature, largest_ring=largest)]
    which = seeds.uniforms(seeds.child(seed, "graph-vae", "scaffold"), numbers, 1)[:, 0]
    around = [choices[int(u * len(choices))] for u in which]
    builds = decode(model, z, uniforms, drawing.temperature, around, largest)
    return [_holding(molecule(b), scaffold) for b, scaffold in zip(builds, around, strict=True)]


def fresh(model: GraphVAE, numbers: np.ndarray, seed: int, move: int = 0) -> Float[Tensor, "batch latent"]:
    """Standard normal noise, a vector for each number of a draw; each `move` has its own."""
    child = seeds.child(seed, "graph-vae", "latent", *([move] if move else []))
    uniforms = seeds.uniforms(child, numbers, model.config.latent)
    precise = torch.promote_types(dtype_of(model), torch.float32)
    return torch.special.ndtri(torch.from_numpy(uniforms).clamp(EDGE, 1 - EDGE)).to(model.device, precise)


@torch.inference_mode()
def pushed(
    model: GraphVAE,
    noise: Float[Tensor, "batch latent"],
    numbers: np.ndarray,
    seed: int,
    drawing: GraphVAEDrawing,
    move: int = 0,
) -> Float[Tensor, "batch latent"]:
    """Latent vectors of `drawing.prior`, from noise.

    `learnt` is the prior's flow, `normal` a standard normal. `decoder` is the mixture of the posteriors of molecules
    that the decoder writes without a latent, one for each vector and `move`: p(z) = sum over x of q(z | x) p(x | 0).
    It is a VampPrior (Tomczak & Welling 2018) with the model's own draws as pseudo-inputs. `auto` is `decoder` for a
    model that learnt to write without a latent, else `learnt`.
    """
    prior = drawing.prior
    if prior == "auto":
        prior = "decoder" if model.config.without_latent else "learnt"
    if prior == "learnt":
        noise = model.prior.push(noise)
    elif prior == "decoder":
        child = seeds.child(seed, "graph-vae", "own", *([move] if move else []))
        own = seeds.uniforms(child, numbers, model.longest)
        nothing = torch.zeros(noise.shape, dtype=dtype_of(model), device=model.device)
        warmth = drawing.temperature or 1.0  # the likeliest molecule would be the same each time
        builds = decode(model, nothing, own, warmth, largest_ring=_largest_ring(model, drawing))
        written = [molecule(build)[0] or "" for build in builds]
        mean, log_variance, _ = posterior(model, written, own=True)
        known = mean.isfinite()  # one that could not be encoded keeps its noise
        noise = torch.where(known, mean.to(noise) + (0.5 * log_variance.to(noise)).exp() * noise, noise)
    return noise.to(dtype_of(model))


def _largest_ring(model: GraphVAE, drawing: GraphVAEDrawing) -> int | None:
    return model.largest_ring if drawing.largest_ring is None else drawing.largest_ring


def _holding(draw: Draw, scaffold: Scaffold) -> Draw:
    """The draw, if it contains the scaffold."""
    if draw[0] is None or contains(draw[0], scaffold):
        return draw
    return None, "without the scaffold"
