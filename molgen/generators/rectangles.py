"""A batch of sequences of different lengths, as few rectangles of little padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from molgen.nn.transformer import Shape
from molgen.represent.grammar import Grammar
from molgen.represent.tokens import BOS, EOS, PAD


class TokenBatch(NamedTuple):
    """Rectangles of token ids laid end to end, and their shapes. Each sequence is BOS, tokens, EOS, then PAD.

    `random` marks the sequences that are random spellings, `codes` holds what their molecules are said to be, `allowed`
    the tokens that a grammar lets stand in the place of each target.
    """

    inputs: Tensor
    targets: Tensor
    shapes: list[Shape]
    random: Tensor | None = None
    codes: Tensor | None = None
    allowed: Tensor | None = None

    @classmethod
    def of(cls, pieces: Sequence[np.ndarray], group: int, random: Tensor | None, codes: Tensor | None) -> Self:
        """Token ids of each sequence, sorted by length, at most `group` a rectangle; targets are one place on."""
        order = np.argsort([len(p) for p in pieces], kind="stable")
        inputs, targets, shapes = [], [], []
        for rows in np.array_split(order, -(-len(order) // group)):
            rectangle = np.full((len(rows), len(pieces[rows[-1]]) + 2), PAD, np.int64)
            rectangle[:, 0] = BOS
            for line, i in zip(rectangle, rows, strict=True):
                line[1 : len(pieces[i]) + 1] = pieces[i]
                line[len(pieces[i]) + 1] = EOS
            tokens = torch.from_numpy(rectangle)
            inputs.append(tokens[:, :-1].flatten())
            targets.append(tokens[:, 1:].flatten())
            shapes.append((len(rows), tokens.shape[1] - 1))
        places = torch.from_numpy(order)
        random, codes = (None if value is None else value[places] for value in (random, codes))
        return cls(torch.cat(inputs), torch.cat(targets), shapes, random, codes)

    def to(self, device: torch.device) -> Self:
        """The batch on a device."""
        rest = (None if value is None else value.to(device) for value in (self.random, self.codes, self.allowed))
        return type(self)(self.inputs.to(device), self.targets.to(device), self.shapes, *rest)

    def under(self, grammar: Grammar) -> Self:
        """The same with what a grammar allows."""
        rectangles = self.targets.split([count * length for count, length in self.shapes])
        allowed = [
            torch.from_numpy(grammar.along(tokens.view(shape).numpy())).flatten(0, 1)
            for tokens, shape in zip(rectangles, self.shapes, strict=True)
        ]
        return self._replace(allowed=torch.cat(allowed))
