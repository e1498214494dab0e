"""Settings of the graph VAE: its size, its loss, and what may be asked of a draw."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from molgen.core.settings import Settings
from molgen.generators.base import DrawingSettings
from molgen.nn.message_passing import Backend

Prior = Literal["auto", "learnt", "normal", "decoder"]
"""Where latent vectors come from."""


class GraphVAEConfig(Settings):
    """Size of the networks and weights of the loss."""

    width: Annotated[int, Field(ge=8, le=4096)] = 256  # of the decoder
    layers: Annotated[int, Field(ge=1, le=64)] = 5
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    feedforward: Annotated[int, Field(ge=1, le=16)] = 4  # width of the feed-forward layer, in widths
    rank: Annotated[int, Field(ge=1, le=4096)] = 48  # of what tells the entries of a symbol apart
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    latent: Annotated[int, Field(ge=1, le=4096)] = 64
    encoder_width: Annotated[int, Field(ge=8, le=4096)] = 128
    encoder_layers: Annotated[int, Field(ge=1, le=64)] = 4
    backend: Backend = "auto"  # of the message passing
    prior_width: Annotated[int, Field(ge=8, le=4096)] = 320
    prior_blocks: Annotated[int, Field(ge=1, le=64)] = 2
    vocabulary: Annotated[int, Field(ge=0, le=50_000)] = 2_000  # fragments of several atoms that are symbols
    joins: Annotated[int, Field(ge=0, le=64)] = 16  # open sites that a ring between single atoms can reach back over
    room: Annotated[int, Field(ge=0, le=64)] = 2  # atoms and actions a draw may have more than the largest molecule
    kl_weight: Annotated[float, Field(ge=0)] = 0.1
    free_nats: Annotated[float, Field(ge=0)] = 20.0  # of KL, on the mean of a batch, that cost nothing
    any_root: Annotated[float, Field(ge=0, le=1)] = 0.1  # share of molecules learnt from a root drawn at random
    without_latent: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share learnt with the origin in the latent's place
    property_weight: Annotated[float, Field(ge=0)] = 0.1  # of the squared error of standardised properties
    sampling_batch: Annotated[int, Field(ge=1)] = 512


class GraphVAEDrawing(DrawingSettings):
    """How latent vectors are drawn and decoded."""

    prior: Prior = "auto"  # `decoder` for a model that learnt `without_latent`, else `learnt`
    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0  # of the decoder; 0 takes the likeliest action
    largest_ring: Annotated[int, Field(ge=3)] | None = None  # closed between single atoms; None: of any fragment
    scaffold: str | None = None  # SMILES; `[*]` where it may grow
    condition: dict[str, float] = Field(default_factory=dict)  # property: value
    guidance: Annotated[float, Field(ge=0, le=1000)] = 1.0  # above 1: nearer to the condition, less diverse
    moves: Annotated[int, Field(ge=1, le=10_000)] = 20  # of the walk to a condition; each costs a draw
