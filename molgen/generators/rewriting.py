"""Draws of a text written anew in part: what stands behind some token is taken off, and drawn again.

That is the move of a Markov chain towards properties that were asked for (`molgen.generators.wished`). With the cut at
any of the L places of a text x with the same chance, and the rest drawn from the model, the chain leaves p(x) as it is
if a move to x' is taken with probability min(1, L / L'): the model's own probabilities cancel, since both texts share
what stands before the cut (Metropolis-Hastings, the cut as an auxiliary variable).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from molgen.core import seeds
from molgen.generators.smiles_settings import SmilesDrawing
from molgen.generators.texts import is_molecule
from molgen.generators.wished import distance, taken
from molgen.represent.tokens import PAD

Write = Callable[[int, Tensor | None], Tensor]
"""Texts, as ids up to EOS and then PAD, drawn with a seed; each keeps the ids given (-1 from where it is free)."""

Read = Callable[[Tensor], list[str | None]]
"""The texts that rows of ids stand for; None where there is no end."""


def walk(
    write: Write,
    read: Read,
    how: SmilesDrawing,
    seed: int,
    draws: np.ndarray,
    wishes: Mapping[str, Float[np.ndarray, " draws"]],
    deviations: Mapping[str, float],
) -> Int[Tensor, "draws length"]:
    """The texts at the ends of the chains, of which each draw has its own; they begin at draws from nothing.

    `deviations` are those of the training molecules.
    """

    def distances(ids: Tensor) -> Float[np.ndarray, " draws"]:
        molecules = [text if is_molecule(text) else None for text in read(ids)]
        cuts = (ids != PAD).sum(1).cpu().numpy()
        return how.guidance * distance(molecules, wishes, deviations) + np.log(cuts)

    written = write(seed, None)
    places, far = torch.arange(written.shape[1], device=written.device), distances(written)
    for move in range(1, how.moves + 1):
        cut, luck = seeds.uniforms(seeds.child(seed, "cut", move), draws, 2).T
        kept = (torch.from_numpy(cut).to(written.device) * (written != PAD).sum(1)).floor()
        found = write(seeds.child(seed, "move", move), written.masked_fill(places >= kept[:, None], -1))
        there = distances(found)
        rows = taken(far, there, luck)
        written = torch.where(torch.from_numpy(rows).to(written.device)[:, None], found, written)
        far = np.where(rows, there, far)
    return written
