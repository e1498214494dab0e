"""Settings of a search that are not its strategy's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from molgen.core.settings import Settings


class SearchSettings(Settings):
    """What is done with values before a strategy learns them, and when a search gives up.

    `diversity: scaffold`: once `per_scaffold` molecules with one Murcko scaffold have reached `good`, further ones are
    worth nothing to the strategy (the scaffold memory of Blaschke et al., J. Cheminform. 2020, 12, 68). What is written
    keeps the true score.
    """

    diversity: Literal["none", "scaffold"] = "none"
    per_scaffold: Annotated[int, Field(ge=1)] = 25
    good: Annotated[float, Field(ge=0, le=1)] = 0.4
    no_value: Annotated[int, Field(ge=1)] = 100  # calls in a row without a value before the search stops
    nothing_new: Annotated[int, Field(ge=1)] = 50  # rounds in a row without a new molecule before it ends
    checkpoint_seconds: Annotated[float, Field(gt=0)] = 120.0

    def identity(self) -> dict[str, object]:
        """What results depend on."""
        return {key: value for key, value in self.values().items() if key != "checkpoint_seconds"}
