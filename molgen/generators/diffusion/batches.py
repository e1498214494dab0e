"""Batches of graphs of one size, so that nothing is padded, with noise on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from molgen.core import seeds
from molgen.data.store import Store
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.level import Level
from molgen.generators.diffusion.noise import Noise

Wishes = Mapping[str, Float[np.ndarray, " draws"]]
"""For each property that is asked for, the value asked of each draw (nan: not asked of this one)."""


class Noises(NamedTuple):
    """The noise of the nodes and that of the pairs."""

    nodes: Noise
    pairs: Noise


class Noised(NamedTuple):
    """Graphs of one size, clean and at some times; `codes` holds what is said of their molecules."""

    clean: Graphs
    noisy: Graphs
    time: Float[Tensor, "batch 1"]
    codes: Tensor | None


def room_for(n: int, edges: int, most: int) -> int:
    """How many graphs of n nodes are worked on together: at most that many, and pairs of nodes within a budget."""
    return max(1, min(most, edges // n**2))


def by_size(sizes: np.ndarray, *, most: int, edges: int) -> list[np.ndarray]:
    """Places cut into batches of at most `most` graphs and `edges` pairs of nodes.

    Each is of one size as far as there are enough of it; what is left over is put together with its next in size.
    Batches come in the order of their first places, so that shuffled graphs give shuffled batches.
    """
    batches: list[np.ndarray] = []
    rest: list[np.ndarray] = []
    for n in np.unique(sizes).tolist():
        places = np.flatnonzero(sizes == n)
        room = room_for(n, edges, most)
        whole = len(places) // room * room
        batches += [places[i : i + room] for i in range(0, whole, room)]
        rest.append(places[whole:])
    batches += _packed(np.concatenate(rest), sizes, most, edges) if rest else []
    return sorted(batches, key=lambda places: int(places.min()))


def _packed(places: np.ndarray, sizes: np.ndarray, most: int, edges: int) -> Iterator[np.ndarray]:
    """Places in the given order, cut within both limits."""
    begin, filled = 0, 0
    for i, cost in enumerate((sizes[places].astype(np.int64) ** 2).tolist()):
        if i > begin and (i - begin == most or filled + cost > edges):
            yield places[begin:i]
            begin, filled = i, 0
        filled += cost
    if begin < len(places):
        yield places[begin:]


def noised(noises: Noises, clean: Graphs, time: Float[Tensor, "batch 1"], generator: torch.Generator | None) -> Graphs:
    """Graphs at their times, from a generator (None: torch's own)."""
    blurred = []
    for kind, states in zip(noises, clean, strict=True):
        first, second = torch.rand((2, *states.shape), generator=generator)
        blurred.append(kind.blur(states, time, kind.draw(first), second))
    return Graphs(*blurred)


def noised_batch(
    level: Level,
    noises: Noises,
    store: Store,
    rows: np.ndarray,
    codes: Callable[[np.ndarray], Tensor | None],
    *,
    repeat: bool,
) -> list[Noised]:
    """The graphs of each size with noise on them; with `repeat` the same noise each time. `codes` are those of rows."""
    generator = seeds.torch_generator(0, "validation", *map(int, rows[:1])) if repeat else None
    sizes, times, batch = level.sizes(store, rows), spread_times(len(rows), generator), []
    for n in np.unique(sizes):
        chosen = np.flatnonzero(sizes == n)
        clean, time = level.graphs(store, rows[chosen]), times[chosen]
        noisy = noised(noises, clean, time, generator)
        batch.append(Noised(clean, noisy, time, codes(rows[chosen])))
    return batch


def spread_times(count: int, generator: torch.Generator | None) -> Float[Tensor, "count 1"]:
    """Times 2u - u^2 of numbers u in [0, 1) that are evenly spread over a batch and shifted together.

    They lie as densely as the steps of a draw do (`denoising.times`), most near 1, where valences are decided. Spread
    evenly they make less variance than one by one.
    """
    shift = torch.rand((), generator=generator)
    order = torch.randperm(count, generator=generator)
    even = ((order + shift) / max(count, 1)) % 1
    return (2 * even - even.square()).unsqueeze(1)


def sizes_drawn(counts: Sequence[int], uniforms: Float[np.ndarray, " draws"]) -> np.ndarray:
    """Numbers of nodes, as frequent as in the data."""
    shares = np.cumsum(np.array(counts, np.float64))
    return np.searchsorted(shares, uniforms * shares[-1], side="right")
