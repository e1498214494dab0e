"""Settings of `screen`, and the plan that its worker processes are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from molgen.core.settings import Settings
from molgen.scoring.objective import Objective


class ScreenSettings(Settings):
    """How the best are picked, and how the library is read.

    `none`: by score. `scaffold`: at most `per_scaffold` of each Murcko scaffold. `leader`: among the best `pool` * K, a
    molecule that is at least `similarity` similar to a better one that was picked is left out.
    """

    diversity: Literal["none", "scaffold", "leader"] = "none"
    per_scaffold: int = Field(default=1, ge=1)  # acyclic molecules count as one scaffold
    similarity: float = Field(default=0.6, gt=0, le=1)  # Tanimoto, ECFP4
    pool: int = Field(default=20, ge=1)  # how many times K molecules to choose from (leader)
    standardise: bool = False  # largest fragment, neutral, before anything else
    full_table: bool = False  # a row for each molecule of the library, not for the best alone
    smiles_column: str | None = None
    name_column: str | None = None
    chunk: int = Field(default=2048, ge=1, le=65_536)  # rows that are lost at most, in each worker, by a kill

    def identity(self) -> dict[str, Any]:
        """What results depend on."""
        return {key: value for key, value in self.values().items() if key != "chunk"}


@dataclass(frozen=True)
class Plan:
    """What to do with each molecule: the objective, how many to keep, and the settings."""

    objective: Objective
    top: int
    settings: ScreenSettings

    @property
    def kept(self) -> int:
        """How many molecules must be kept while the library is read, so that the final pick is among them."""
        return self.top * self.settings.pool if self.settings.diversity == "leader" else self.top

    @property
    def per_scaffold(self) -> int | None:
        """How many of a scaffold are kept; None for any number."""
        return self.settings.per_scaffold if self.settings.diversity == "scaffold" else None

    def identity(self) -> dict[str, Any]:
        """As plain values, for the identity of what is written."""
        return {"objective": self.objective.values(), "top": self.top, **self.settings.identity()}

    @classmethod
    def of_identity(cls, values: dict[str, Any]) -> Plan:
        """The plan that `identity` describes."""
        own = {key: value for key, value in values.items() if key in ScreenSettings.model_fields}
        return cls(Objective.parse(values["objective"]), int(values["top"]), ScreenSettings.parse(own))
