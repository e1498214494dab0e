"""What a text has counted so far, as a vector at each place: limits of a sum are hard to learn from tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from molgen.represent.counts import DEPTH, MASS, RINGS, UNIT

if TYPE_CHECKING:
    from molgen.nn.transformer import Shape

STEP, STEPS = 8.0, 96  # daltons; codes go up to 768
OPEN = 8  # open branches, and open rings, that are told apart


class Running:
    """The counts of a batch of texts that are being written; None before the first token."""

    def __init__(self) -> None:
        self.totals: Tensor | None = None

    def keep(self, rows: Tensor) -> None:
        """Drops all texts but `rows` (which may repeat one)."""
        if self.totals is not None:
            self.totals = self.totals[rows]


class Tally(nn.Module):
    """Counts as piecewise-linear codes and one matrix, which starts at zero: a new one changes nothing."""

    def __init__(self, table: Int[Tensor, "vocabulary counts"], width: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)  # whole numbers: no precision rounds them
        self.code = nn.Linear(STEPS + 2 * OPEN, width, bias=False)
        nn.init.zeros_(self.code.weight)

    def forward(self, tokens: Int[Tensor, " tokens"], shapes: Sequence[Shape]) -> Float[Tensor, "tokens width"]:
        """What is added at each place, for rectangles of `shapes` laid end to end: of the tokens up to there."""
        rectangles = self.table[tokens].split([count * length for count, length in shapes])
        sums = [r.view(*s, -1).cumsum(1).flatten(0, 1) for r, s in zip(rectangles, shapes, strict=True)]
        return self._coded(torch.cat(sums))

    def step(self, tokens: Int[Tensor, " batch"], running: Running) -> Float[Tensor, "batch width"]:
        """The same after one more token a text."""
        added = self.table[tokens].long()
        running.totals = added if running.totals is None else running.totals + added
        return self._coded(running.totals)

    def _coded(self, totals: Int[Tensor, "rows counts"]) -> Float[Tensor, "rows width"]:
        weight = self.code.weight
        mass = totals[:, MASS, None].to(torch.float32) / (UNIT * STEP)
        opened = torch.stack([totals[:, DEPTH], (totals[:, RINGS:] % 2).sum(1)], 1).to(torch.float32)
        steps = torch.arange(STEPS, device=weight.device)
        codes = [(mass - steps).clamp(0, 1), *(opened[:, i, None] - steps[:OPEN] for i in range(2))]
        return self.code(torch.cat([codes[0], *(c.clamp(0, 1) for c in codes[1:])], 1).to(weight.dtype))
