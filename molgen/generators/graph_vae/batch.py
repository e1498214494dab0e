"""Batches for the decoder of the graph VAE: molecules as actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from molgen.nn.transformer import Shape
from molgen.represent.derivations import Build, Grammar

MOST = 15  # open sites, and sites of a symbol, are counted up to here


class Places(NamedTuple):
    """What the decoder is told at each place of a derivation: rectangles laid end to end."""

    previous: Tensor  # the action before, or what starts the derivation
    parent: Tensor  # the action that opened the site to be filled now
    number: Tensor  # which of that action's sites it is
    open: Tensor  # sites that are open


class Actions(NamedTuple):
    """Derivations for the decoder. A target is an action, or -1 where a rectangle is padded."""

    places: Places
    kinds: Tensor  # the class of actions that is due, or -1
    targets: Tensor
    shapes: list[Shape]

    @classmethod
    def of(cls, grammar: Grammar, derivations: Sequence[Sequence[int]], starts: Sequence[int]) -> Actions:
        """From derivations, the shorter ones first; those of nearly equal length share a rectangle."""
        shapes = _rectangles([len(derivation) for derivation in derivations])
        lengths = [length for count, length in shapes for _ in range(count)]
        rows = [_told(grammar, *row) for row in zip(derivations, starts, lengths, strict=True)]
        columns = [torch.from_numpy(column) for column in np.concatenate(rows, 1)]
        return cls(Places(*columns[:4]), columns[4], columns[5], shapes)


def _rectangles(lengths: Sequence[int]) -> list[Shape]:
    """Shapes for ascending lengths. A few molecules, those broken into atoms, are several times longer than the rest,
    so the cuts are by length and not by count."""
    shapes: list[Shape] = []
    count = most = last = 0
    for length in lengths:
        if length > most:
            if count:
                shapes.append((count, last))
            count, most = 0, length + length // 6
        count, last = count + 1, length
    return [*shapes, (count, last)]


def _told(grammar: Grammar, derivation: Sequence[int], start: int, length: int) -> np.ndarray:
    """(6, length) int64: previous, parent, number, open, class and target of each place."""
    out = np.zeros((6, length), np.int64)
    out[4:] = -1
    build = Build(grammar)
    previous = start
    told = []
    for action in derivation:
        told.append((previous, *due(build, start), action))
        build.apply(action)
        previous = action
    out[:, : len(derivation)] = np.array(told).T
    return out


def due(build: Build, start: int) -> tuple[int, int, int, int]:
    """What is due in a molecule under construction: parent action, number of its site, open sites, class."""
    stack = build.stack
    if not stack:
        return start, 0, 0, 0
    parent, number, order = stack[-1]
    return build.actions[parent], min(number, MOST), min(len(stack), MOST), order
