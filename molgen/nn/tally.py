"""What has been counted, as a vector: of a text so far at each place, of a graph at each node.

Limits of a sum (a molecular weight of at most 350) are hard to learn from tokens or nodes alone.
"""

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
        opened = totals[:, DEPTH], (totals[:, RINGS:] % 2).sum(1)
        codes = [_stairs(totals[:, MASS] / (UNIT * STEP), STEPS), *(_stairs(count, OPEN) for count in opened)]
        return self.code(torch.cat(codes, 1).to(self.code.weight.dtype))


class GraphTally(nn.Module):
    """For each node of a graph the mass of all others, coded in the same way; a new one changes nothing either."""

    def __init__(self, masses: Int[Tensor, " classes"], width: int) -> None:
        super().__init__()
        self.masses: Tensor
        self.register_buffer("masses", masses, persistent=False)  # hundredths of a dalton
        self.code = nn.Linear(STEPS, width, bias=False)
        nn.init.zeros_(self.code.weight)

    def forward(self, nodes: Int[Tensor, "batch n"]) -> Float[Tensor, "batch n width"]:
        """What is added to each node."""
        own = self.masses[nodes].long()
        others = own.sum(1, keepdim=True) - own
        return self.code(_stairs(others / (UNIT * STEP), STEPS).to(self.code.weight.dtype))


def _stairs(values: Tensor, steps: int) -> Float[Tensor, "... steps"]:
    """How far each value has come through each of the steps of height 1, 0 to 1."""
    low = torch.arange(steps, device=values.device, dtype=torch.float32)
    return (values.to(torch.float32).unsqueeze(-1) - low).clamp(0, 1)
