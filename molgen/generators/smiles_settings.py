"""Settings of the family `smiles`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from molgen.core.settings import Settings
from molgen.generators.prompts import Prompted


class SmilesConfig(Settings):
    """Size of the network, what it learns beside canonical SMILES, and how it is drawn from."""

    architecture: Literal["transformer", "gru"] = "transformer"
    width: Annotated[int, Field(ge=8, le=4096)] = 256
    layers: Annotated[int, Field(ge=1, le=64)] = 6
    heads: Annotated[int, Field(ge=1, le=64)] = 4  # of the transformer
    feedforward: Annotated[int, Field(ge=1, le=16)] = (
        5  # of the transformer: width of its feed-forward layer, in widths
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    conditions: tuple[str, ...] = ()  # properties of the store that a draw can be asked for
    unconditional: Annotated[float, Field(ge=0, le=1)] = 0.5  # share of the training molecules shown without any
    random_spelling: Annotated[float, Field(ge=0, le=1)] = 0.0  # share written as one of their other SMILES, marked so
    tally: bool = False  # the network is told what has been counted so far: mass, open branches, open rings
    forbidden: Annotated[float, Field(ge=0)] = 0.0  # weight in training of what goes to tokens that the grammar forbids
    room: Annotated[int, Field(ge=0)] = 16  # tokens that a draw may be longer than the longest SMILES of the store
    sampling_batch: Annotated[int, Field(ge=1)] = 512


class SmilesDrawing(Prompted):
    """What a draw of a SMILES model can be asked for."""

    condition: dict[str, float] = Field(default_factory=dict)  # property: value
    guidance: Annotated[float, Field(ge=0, le=20)] = 1.0  # above 1: nearer to the condition, less diverse
    spelling: Literal["canonical", "random"] = "canonical"
    moves: Annotated[int, Field(ge=0, le=1000)] = 0  # of a walk towards the condition: text behind some token written
    # anew, taken as the properties of the molecule allow, to the power of guidance

    @model_validator(mode="after")
    def _walks_are_free(self) -> Self:
        if self.moves and (self.prompted or self.beam):
            raise ValueError("moves: a walk of free draws; leave out scaffold, link and beam")
        return self
