"""Numbers that a model is asked for, as a vector: piecewise-linear codes (Gorishniy et al. 2022) and one matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

BINS = 16
BEYOND = 1.0  # widths of the outermost bins that a value may lie past them


class Conditions(nn.Module):
    """The sum of what each given property adds; a property that is not given adds nothing.

    A property's code holds a 1, then for each of its bins between quantiles of the training data how far the value has
    come through it, 0 to 1 (below 0 or above 1 only past the outermost). The matrix behind the codes starts at zero, so
    that a new model is an unconditional one.
    """

    def __init__(self, knots: Mapping[str, Sequence[float]], width: int) -> None:
        super().__init__()
        # Kept as NumPy, not as a buffer: a model in bf16 would round them.
        self.knots = {name: np.asarray(values, np.float64) for name, values in knots.items()}
        self.code = nn.Linear(sum(len(values) for values in self.knots.values()), width, bias=False)
        nn.init.zeros_(self.code.weight)

    @property
    def names(self) -> list[str]:
        """The properties, in the order of their columns."""
        return list(self.knots)

    @property
    def deviations(self) -> dict[str, float]:
        """Standard deviation of each over the training molecules, as its quantiles tell it."""
        return {name: float(np.std(edges)) or 1.0 for name, edges in self.knots.items()}

    def encode(self, values: Float[np.ndarray, "sequences properties"]) -> Float[np.ndarray, "sequences code"]:
        """The codes (float32) of values; nan: not given."""
        columns = []
        for value, knots in zip(np.asarray(values, np.float64).T, self.knots.values(), strict=True):
            through = (value[:, None] - knots[:-1]) / np.diff(knots)
            low, high = np.zeros(len(knots) - 1), np.ones(len(knots) - 1)
            low[0], high[-1] = -BEYOND, 1 + BEYOND
            given = np.isfinite(value)[:, None]
            columns.append(np.where(given, np.column_stack([np.ones(len(value)), through.clip(low, high)]), 0))
        return np.concatenate(columns, axis=1).astype(np.float32)

    def forward(self, codes: Float[Tensor, "sequences code"]) -> Float[Tensor, "sequences width"]:
        """What is added at each place of a sequence."""
        return self.code(codes.to(self.code.weight.dtype))


def knots_of(values: Float[np.ndarray, " molecules"]) -> list[float]:
    """Bin edges of one property: quantiles of its finite values, each edge once, six digits; at least one bin."""
    finite = values[np.isfinite(values)]
    edges = np.quantile(finite, np.linspace(0, 1, BINS + 1)) if len(finite) else np.zeros(1)
    # The outermost values are rare and far: their bin would be as wide as all others together.
    if len(finite):
        edges[0], edges[-1] = np.quantile(finite, [0.001, 0.999])
    edges = np.unique([float(f"{edge:.6g}") for edge in edges])
    return edges.tolist() if len(edges) > 1 else [float(edges[0]), float(edges[0]) + 1.0]


def some_given(values: Float[np.ndarray, "sequences properties"], unconditional: float) -> np.ndarray:
    """Training's choice of what is given, drawn from torch's generator: nothing for a share `unconditional` of the
    sequences; for the others each property with a probability that is itself uniform, so that any subset occurs.
    """
    count, properties = values.shape
    keep = torch.rand(count, properties) < torch.rand(count, 1)
    keep &= torch.rand(count, 1) >= unconditional
    return np.where(keep.numpy(), values, np.nan)
