"""What a strategy is, and the strategies there are: a literal table from name to class, loaded when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from molgen.core.errors import InputError, nearest
from molgen.core.settings import Settings

STRATEGIES = {
    "best-of-n": ("molgen.optimize.best_of_n", "BestOfN"),
    "genetic": ("molgen.optimize.genetic", "Genetic"),
    "guided": ("molgen.optimize.guided", "Guided"),
    "hybrid": ("molgen.optimize.hybrid", "Hybrid"),
    "latent": ("molgen.optimize.latent", "Latent"),
    "reinforce": ("molgen.optimize.reinforce", "Reinforce"),
}


MODEL = "smiles-zinc"  # of strategies that learn from any molecules, and of policies


@dataclass(frozen=True)
class Context:
    """What a strategy may draw on: molecules to start from (canonical, seeded, maybe without end) and a model."""

    start: Iterator[str]
    model: str
    seed: int


class Strategy(Protocol):
    """Proposes molecules and learns from their values; holds neither objective nor budget.

    What it asks next depends on its settings, its context and what it was told alone, so that a run that is replayed
    from its log is the same run.
    """

    Settings: ClassVar[type[Settings]]
    model: ClassVar[str]  # what it draws on where no model is given
    settings: Any

    def __init__(self, settings: Any, context: Context) -> None: ...

    def ask(self, n: int) -> list[str]:
        """At most `n` molecules as canonical SMILES; [] where it has nothing new this time."""
        ...

    def tell(self, smiles: Sequence[str], values: np.ndarray) -> None:
        """The values of molecules that were asked for, or of others: larger is better, 0 the worst."""
        ...

    def save(self, folder: Path) -> None:
        """Writes all that `load` needs to go on."""
        ...

    def load(self, folder: Path) -> None:
        """Goes on, in a new instance of the same settings and context, from what `save` wrote."""
        ...


def strategy_class(name: str) -> type[Any]:
    """The class of a strategy; an InputError that names the nearest one if there is none."""
    if name not in STRATEGIES:
        raise InputError(f"unknown strategy {name!r}{nearest(name, STRATEGIES)}")
    module, class_name = STRATEGIES[name]
    found: type[Any] = getattr(import_module(module), class_name)
    return found


def settings_of(name: str, values: Mapping[str, Any]) -> Any:
    """The checked settings of a strategy."""
    return strategy_class(name).Settings.parse(values, where=f"strategy {name}")
