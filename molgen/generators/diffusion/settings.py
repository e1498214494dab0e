"""Settings of `graph-diffusion`: the model's size, and how it is drawn from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from molgen.core.settings import Settings
from molgen.generators.base import DrawingSettings


class DiffusionConfig(Settings):
    """Size of the network and what it learns beside the molecules."""

    width: Annotated[int, Field(ge=8, le=4096)] = 256  # of a node's state
    layers: Annotated[int, Field(ge=1, le=64)] = 8
    heads: Annotated[int, Field(ge=1, le=64)] = 8
    edge_width: Annotated[int, Field(ge=4, le=1024)] = 64
    pair_width: Annotated[int, Field(ge=4, le=1024)] = 64  # of what edges compute with: products and sums
    feedforward: Annotated[int, Field(ge=1, le=16)] = 4  # of the nodes, in widths
    conditions: tuple[str, ...] = ()  # properties of the store that a draw can be asked for
    unconditional: Annotated[float, Field(ge=0, le=1)] = 0.3  # share of the training molecules shown without any
    batch_edges: Annotated[int, Field(ge=1)] = 65536  # most pairs of nodes (both directions) at a time: bounds memory


class DiffusionDrawing(DrawingSettings):
    """What a draw can be asked for."""

    steps: Annotated[int, Field(ge=1, le=10_000)] = 50  # calls of the network
    sampler: Literal["flow", "posterior"] = "flow"  # discrete flow matching, or discrete diffusion
    eta: Annotated[float, Field(ge=0, le=1000)] = 0.0  # flow: stochasticity, lets earlier choices be taken back
    omega: Annotated[float, Field(ge=0, le=100)] = 0.0  # flow: pull to the predicted clean graph
    distortion: Literal["quadratic", "none"] = "quadratic"  # times 2t - t^2: more steps where the graph is nearly clean
    temperature: Annotated[float, Field(gt=0, le=10)] = 1.0  # of the predicted clean classes; below 1: fewer surprises
    condition: dict[str, float] = Field(default_factory=dict)  # property: value
    guidance: Annotated[float, Field(ge=0, le=20)] = 1.0  # above 1: nearer to the condition, less diverse
    scaffold: str | None = None  # SMILES that each molecule is to hold; [*] marks where it may grow
