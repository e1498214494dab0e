"""Settings of `graph-diffusion` and its guide: the size of the networks, and how the model is drawn from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from molgen.core.settings import Settings
from molgen.generators.base import DrawingSettings


class NetworkSettings(Settings):
    """Size of a graph transformer, and of the batches it works on."""

    width: Annotated[int, Field(ge=8, le=4096)] = 256  # of a node's state
    layers: Annotated[int, Field(ge=1, le=64)] = 8
    heads: Annotated[int, Field(ge=1, le=64)] = 8
    edge_width: Annotated[int, Field(ge=4, le=1024)] = 64
    pair_width: Annotated[int, Field(ge=4, le=1024)] = 64  # of what edges compute with: products and sums
    feedforward: Annotated[int, Field(ge=1, le=16)] = 4  # of the nodes, in widths
    batch_edges: Annotated[int, Field(ge=1)] = 65536  # most pairs of nodes (both directions) at a time: bounds memory


class DiffusionConfig(NetworkSettings):
    """Size of the network and what it learns beside the molecules."""

    level: Literal["atom", "fragment"] = "atom"  # what a node is
    vocabulary: Annotated[int, Field(ge=1, le=60_000)] = 4_000  # fragments of several atoms, at the fragment level
    tally: bool = False  # each node is told the mass of all others
    conditions: tuple[str, ...] = ()  # properties of the store that a draw can be asked for
    unconditional: Annotated[float, Field(ge=0, le=1)] = 0.3  # share of the training molecules shown without any


class GuideConfig(NetworkSettings):
    """Size of the network that guides, and what it predicts. It is asked in each step, so it is smaller."""

    properties: tuple[str, ...] = ()  # of the store, that a draw can then be asked for; (): all of them
    width: Annotated[int, Field(ge=8, le=4096)] = 128
    layers: Annotated[int, Field(ge=1, le=64)] = 4
    edge_width: Annotated[int, Field(ge=4, le=1024)] = 32
    pair_width: Annotated[int, Field(ge=4, le=1024)] = 32


class DiffusionDrawing(DrawingSettings):
    """What a draw can be asked for."""

    steps: Annotated[int, Field(ge=1, le=10_000)] = 50  # calls of the network
    # discrete flow matching by jumps to the believed class or by DeFoG's rates, or discrete diffusion
    sampler: Literal["direct", "flow", "posterior"] = "direct"
    eta: Annotated[float, Field(ge=0, le=1000)] = 0.0  # but for posterior: stochasticity, takes earlier choices back
    omega: Annotated[float, Field(ge=0, le=100)] = 0.0  # flow: pull to the predicted clean graph
    distortion: Literal["quadratic", "none"] = "quadratic"  # times 2t - t^2: more steps where the graph is nearly clean
    constrained: bool = True  # fragments: the last step keeps to trees that use every site once
    again: Annotated[int, Field(ge=0, le=100)] = 4  # times that what is no molecule is noised and denoised anew
    again_from: Annotated[float, Field(ge=0, lt=1)] = 0.3  # the time it is noised to
    moves: Annotated[int, Field(ge=0, le=1000)] = 0  # of a walk towards the condition: noised and denoised anew, taken
    # as the properties of the molecule allow, to the power of guidance
    moves_from: Annotated[float, Field(ge=0, lt=1)] = 0.5  # the time a move goes back to
    temperature: Annotated[float, Field(gt=0, le=10)] = 1.0  # of the predicted clean classes; below 1: fewer surprises
    condition: dict[str, float] = Field(default_factory=dict)  # property: value
    guidance: Annotated[float, Field(ge=0, le=20)] = 1.0  # above 1: nearer to the condition, less diverse
    predictor: str | None = None  # folder of a guide, which the condition is asked of in place of the model
    scaffold: str | None = None  # with [*]: substituted at each of them; without: anywhere

    @field_validator("scaffold")
    @classmethod
    def _is_a_part(cls, smiles: str | None) -> str | None:
        if smiles is not None:
            from molgen.generators.diffusion.scaffold import read_part

            read_part(smiles)
        return smiles

    @model_validator(mode="after")
    def _a_predictor_needs_a_wish(self) -> Self:
        if self.predictor is not None and not self.condition:
            raise ValueError("predictor: nothing is asked of it; give a condition")
        return self

    @model_validator(mode="after")
    def _omega_is_of_flow(self) -> Self:
        if self.omega and self.sampler != "flow":
            raise ValueError("omega: only the sampler flow has it; give sampler=flow as well")
        return self

    @property
    def models(self) -> dict[str, str]:
        return {} if self.predictor is None else {"predictor": self.predictor}
