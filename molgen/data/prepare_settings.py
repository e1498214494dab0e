"""Settings of `prepare`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from rdkit import Chem

from molgen.core.errors import nearest
from molgen.core.settings import Settings
from molgen.data.splits import SPLITS


class PrepareSettings(Settings):
    """How raw rows become molecules. The defaults suit drug-like organic molecules."""

    largest_fragment: bool = True
    neutralise: bool = True
    stereo: Literal["keep", "drop"] = "keep"
    elements: tuple[str, ...] = ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I")  # hydrogen always
    min_heavy_atoms: int = Field(default=1, ge=1)
    max_heavy_atoms: int = Field(default=100, ge=1)
    max_charge: int = Field(default=2, ge=0)
    properties: bool = True
    split: Literal["random", "scaffold", "column", "files"] = "random"
    fractions: dict[str, float] = Field(default={"train": 0.8, "valid": 0.1, "test": 0.1})
    valid_fraction: float = Field(default=0.01, ge=0, lt=1)  # of train, where split is `files` and no file is `valid`
    smiles_column: str | None = None
    name_column: str | None = None
    split_column: str = "split"
    limit: int | None = Field(default=None, ge=1)  # take the first rows only
    sample: int | None = Field(default=None, ge=1)  # take a seeded subset of the rows

    @field_validator("elements")
    @classmethod
    def _real_elements(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        known = [Chem.GetPeriodicTable().GetElementSymbol(number) for number in range(1, 119)]
        for symbol in elements:
            if symbol not in known:
                raise ValueError(
                    f"{symbol!r} is not an element{nearest(symbol, [k for k in known if k[0] == symbol[:1].upper()])}"
                )
        return elements

    @field_validator("fractions")
    @classmethod
    def _whole(cls, fractions: dict[str, float]) -> dict[str, float]:
        for name, value in fractions.items():
            if name not in SPLITS:
                raise ValueError(f"{name!r} is not a split{nearest(name, SPLITS)}")
            if not 0 <= value <= 1:
                raise ValueError(f"{name}: {value} is not between 0 and 1")
        if abs(sum(fractions.values()) - 1) > 1e-6:
            raise ValueError(f"the fractions sum to {sum(fractions.values()):g}, not 1")
        return fractions

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_heavy_atoms > self.max_heavy_atoms:
            raise ValueError(f"min_heavy_atoms {self.min_heavy_atoms} is above max_heavy_atoms {self.max_heavy_atoms}")
        return self
