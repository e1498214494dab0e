"""Properties asked of draws: a short walk through the latent space, towards molecules that have them.

What a latent vector becomes is only partly decided by the vector: the decoder draws. So the properties are not read
off a head but computed from the molecule that is decoded, and the draw is the end of a Markov chain over what a draw is
made of (`molgen.generators.wished`), the prior p(z) p(x | z). A move turns the noise behind z by some angle towards
fresh noise (preconditioned Crank-Nicolson: Cotter et al. 2013, MCMC methods for functions, sec. 4.2), which leaves the
prior as it is, so that whether the new molecule is taken depends on its properties alone (Metropolis). With the prior
`decoder` a move also has the decoder write another molecule, whose posterior the noise is then in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from molgen.chem.descriptors import DESCRIPTORS
from molgen.core import seeds
from molgen.core.errors import SettingsError, nearest
from molgen.generators.wished import distance, taken

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE
    from molgen.generators.graph_vae.settings import GraphVAEDrawing

Draw = tuple[str | None, str | None]
"""A canonical SMILES, or null and the reason why there is none."""


def check(model: GraphVAE, names: Iterable[str]) -> None:
    """A SettingsError that names the first property whose scale this model does not know."""
    for name in names:
        if name not in model.properties or name not in DESCRIPTORS:
            raise SettingsError(f"condition.{name}: not what this model knows{nearest(name, model.properties)}")


def walked(
    model: GraphVAE,
    draw: Callable[[Float[Tensor, "batch latent"], int], list[Draw]],
    fresh: Callable[[int], Float[Tensor, "batch latent"]],
    numbers: np.ndarray,
    seed: int,
    drawing: GraphVAEDrawing,
) -> list[Draw]:
    """The draws at the ends of the chains, of which each number has its own. `fresh` is the noise of a move, 0 the
    first; `draw` makes molecules of noise, with the random numbers of a move."""
    wishes, guidance = drawing.condition, drawing.guidance
    noise = fresh(0)
    draws = draw(noise, 0)
    deviations = {name: deviation for name, (_, deviation) in model.properties.items()}
    far = guidance * distance([smiles for smiles, _ in draws], wishes, deviations)
    for move in range(1, drawing.moves + 1):
        angle, luck = seeds.uniforms(seeds.child(seed, "graph-vae", "move", move), numbers, 2).T
        turn = torch.from_numpy(angle[:, None] * np.pi / 2).to(noise)
        turned = turn.cos() * noise + turn.sin() * fresh(move)
        others = draw(turned, move)
        there = guidance * distance([smiles for smiles, _ in others], wishes, deviations)
        took = taken(far, there, luck)
        noise = torch.where(torch.from_numpy(took).to(noise.device)[:, None], turned, noise)
        draws = [other if moved else own for own, other, moved in zip(draws, others, took, strict=True)]
        far = np.where(took, there, far)
    return draws
