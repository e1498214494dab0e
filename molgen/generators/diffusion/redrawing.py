"""Draws made anew in part: noise is put on a finished graph, back to some time, and taken off again.

What comes out is near the graph, and as likely as any draw. That mends draws that are no molecules, and it is the move
of a Markov chain towards properties that were asked for (`molgen.generators.wished`), for which nothing need be known
of their gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from molgen.core import seeds
from molgen.generators.diffusion.batches import Wishes
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.wished import distance, taken

Anew = Callable[[np.ndarray, int, DiffusionDrawing, float], Graphs]
"""The draws of some rows made anew, with a seed, in a way, from a time on."""

Move = Callable[[np.ndarray, int], Graphs]
"""The draws of some rows made anew, with a seed."""

Read = Callable[[Graphs], list[str | None]]
"""What each graph is; None for no molecule."""


def mend(graphs: Graphs, anew: Anew, read: Read, how: DiffusionDrawing, seed: int) -> None:
    """Makes those that are no molecules anew, in place, some times; under the constraint only the last time."""
    free = how.model_copy(update={"constrained": False})
    for attempt in range(1, how.again + 1):
        broken = np.flatnonzero([smiles is None for smiles in read(graphs)])
        if not len(broken):
            return
        way = how if attempt == how.again else free
        _put(graphs, broken, anew(broken, seeds.child(seed, "again", attempt), way, how.again_from))


def walk(
    graphs: Graphs,
    anew: Move,
    read: Read,
    how: DiffusionDrawing,
    seed: int,
    draws: np.ndarray,
    wishes: Wishes,
    deviations: Mapping[str, float],
) -> None:
    """Moves each towards its wishes, in place. `deviations` are those of the training molecules."""
    far, everywhere = how.guidance * distance(read(graphs), wishes, deviations), np.arange(len(draws))
    for move in range(1, how.moves + 1):
        found = anew(everywhere, seeds.child(seed, "move", move))
        there = how.guidance * distance(read(found), wishes, deviations)
        luck = seeds.uniforms(seeds.child(seed, "luck", move), draws, 1)[:, 0]
        rows = np.flatnonzero(taken(far, there, luck))
        _put(graphs, rows, Graphs(*(part[torch.from_numpy(rows).to(part.device)] for part in found)))
        far[rows] = there[rows]


def _put(graphs: Graphs, rows: np.ndarray, found: Graphs) -> None:
    for part, new in zip(graphs, found, strict=True):
        part[torch.from_numpy(rows).to(part.device)] = new
