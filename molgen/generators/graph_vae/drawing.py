"""Draws: latent vectors of a prior, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from molgen.core import seeds
from molgen.generators.base import Samples
from molgen.generators.graph_vae.latent import decoded, posterior
from molgen.generators.graph_vae.sampling import decode, dtype_of, molecule
from molgen.generators.graph_vae.scaffold import Scaffold, contains, scaffolds
from molgen.generators.graph_vae.settings import GraphVAEDrawing

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE

EDGE = 1e-12  # keeps uniform numbers away from 0 and 1, where the normal quantile is infinite


@torch.inference_mode()
def sample(model: GraphVAE, n: int, seed: int, first: int, drawing: GraphVAEDrawing) -> Samples:
    """Draws `first` to `first + n - 1`."""
    draws: list[tuple[str | None, str | None]] = []
    choices = scaffolds(model, drawing.scaffold) if drawing.scaffold is not None else []
    for start in range(first, first + n, model.config.sampling_batch):
        numbers = np.arange(start, min(start + model.config.sampling_batch, first + n))
        z = latents(model, numbers, seed, drawing.prior)
        uniforms = seeds.uniforms(seeds.child(seed, "graph-vae"), numbers, model.longest)
        if not choices:
            draws += map(molecule, decode(model, z, uniforms, drawing.temperature))
            continue
        which = seeds.uniforms(seeds.child(seed, "graph-vae", "scaffold"), numbers, 1)[:, 0]
        around = [choices[int(u * len(choices))] for u in which]
        builds = decode(model, z, uniforms, drawing.temperature, around)
        draws += [_holding(molecule(b), scaffold) for b, scaffold in zip(builds, around, strict=True)]
    return Samples.of(draws)


@torch.inference_mode()
def latents(model: GraphVAE, numbers: np.ndarray, seed: int, prior: str) -> Float[Tensor, "batch latent"]:
    """Latent vectors, one for each number of a draw.

    `learnt` is the prior's flow, `normal` a standard normal. `decoder` is the mixture of the posteriors of molecules
    that the decoder writes without a latent, one for each vector: p(z) = sum over x of q(z | x) p(x | 0). It is a
    VampPrior (Tomczak & Welling 2018) with the model's own draws as pseudo-inputs.
    """
    uniforms = seeds.uniforms(seeds.child(seed, "graph-vae", "latent"), numbers, model.config.latent)
    precise = torch.promote_types(dtype_of(model), torch.float32)
    noise = torch.special.ndtri(torch.from_numpy(uniforms).clamp(EDGE, 1 - EDGE)).to(model.device, precise)
    if prior == "learnt":
        noise = model.prior.push(noise)
    elif prior == "decoder":
        own = seeds.uniforms(seeds.child(seed, "graph-vae", "own"), numbers, model.longest)
        nothing = torch.zeros(noise.shape, dtype=dtype_of(model), device=model.device)
        written = [smiles or "" for smiles in decoded(model, nothing, own).smiles]
        mean, log_variance, _ = posterior(model, written)
        known = mean.isfinite()  # one that could not be encoded keeps its noise
        noise = torch.where(known, mean.to(precise) + (0.5 * log_variance.to(precise)).exp() * noise, noise)
    return noise.to(dtype_of(model))


def _holding(draw: tuple[str | None, str | None], scaffold: Scaffold) -> tuple[str | None, str | None]:
    """The draw, if it contains the scaffold."""
    if draw[0] is None or contains(draw[0], scaffold):
        return draw
    return None, "without the scaffold"
