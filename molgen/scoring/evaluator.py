"""An objective at work: molecules in, and for each of them its raw values, desirabilities, score and filters out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from molgen.chem.alerts import DEFAULT_SETS, alerts
from molgen.chem.descriptors import Shared
from molgen.scoring.alerts import Alerts
from molgen.scoring.component import Molecules, Scorer
from molgen.scoring.components import COMPONENTS
from molgen.scoring.descriptors import Descriptor, values_of
from molgen.scoring.external import External
from molgen.scoring.objective import Filter, Objective, measure
from molgen.scoring.transforms import Transform

NO_TRANSFORM = Transform(type="none")


@dataclass(frozen=True)
class Evaluation:
    """Everything that led to the scores of some molecules, each in their order.

    `raw` and `desirability` are keyed by component name; `raw` also has what only filters ask for. `failed` is why a
    molecule did not pass, None where it did. `alerts` is None where there is no molecule.
    """

    raw: dict[str, np.ndarray]
    desirability: dict[str, np.ndarray]
    score: np.ndarray
    failed: list[str | None]
    alerts: list[list[str] | None]


class Evaluator:
    """The scorers of an objective, each made once. A context manager: external programs end with it."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        parts = [*objective.components, *(f.component for f in objective.filters)]
        self.columns = {part.name: measure(part) for part in parts}  # column -> what it measures
        self._types = {measure(part): part.type for part in parts}
        self._scorers: dict[str, Scorer] = {}
        for part in parts:
            if measure(part) not in self._scorers:
                self._scorers[measure(part)] = COMPONENTS[part.type](part)
        chosen = [s for scorer in self._scorers.values() if isinstance(scorer, Alerts) for s in scorer.sets]
        self.alert_sets = tuple(dict.fromkeys(chosen)) or DEFAULT_SETS

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for scorer in self._scorers.values():
            if isinstance(scorer, External):
                scorer.close()

    def evaluate(self, molecules: Molecules) -> Evaluation:
        """The values of each molecule; NaN throughout for None."""
        shared = [None if mol is None else Shared(mol) for mol in molecules]
        names = [None if one is None else alerts(one.mol, self.alert_sets, one.drawn) for one in shared]
        measured = self._measure(molecules, shared, names)
        raw = {column: measured[key] for column, key in self.columns.items()}
        desirability = {c.name: (c.transform or NO_TRANSFORM)(raw[c.name]) for c in self.objective.components}
        score = aggregate(
            [desirability[c.name] for c in self.objective.components],
            [c.weight for c in self.objective.components],
            geometric=self.objective.aggregation == "geometric",
        )
        return Evaluation(raw, desirability, score, self._failures(molecules, raw), names)

    def _measure(
        self, molecules: Molecules, shared: list[Shared | None], names: list[list[str] | None]
    ) -> dict[str, np.ndarray]:
        """Each scorer's values. Descriptors and alerts are computed together, for they share their work."""
        descriptors = {k: self._types[k] for k, scorer in self._scorers.items() if isinstance(scorer, Descriptor)}
        values = values_of(list(dict.fromkeys(descriptors.values())), shared)
        found = {}
        for key, scorer in self._scorers.items():
            if key in descriptors:
                found[key] = values[descriptors[key]]
            else:
                found[key] = scorer.count(names) if isinstance(scorer, Alerts) else scorer.score(molecules)
        return found

    def _failures(self, molecules: Molecules, raw: dict[str, np.ndarray]) -> list[str | None]:
        reasons: list[list[str]] = [[] for _ in molecules]
        for name, values in raw.items():
            for row in np.flatnonzero(np.isnan(values)):
                reasons[row].append(f"{name} has no value")
        for condition in self.objective.filters:
            for test, outside in _outside(condition, raw[condition.component.name]):
                for row in np.flatnonzero(outside):
                    reasons[row].append(test)
        found = zip(molecules, reasons, strict=True)
        return ["no molecule" if mol is None else "; ".join(why) or None for mol, why in found]


def _outside(condition: Filter, values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """For each bound of a filter: how breaking it is called, and which molecules do."""
    name, found = condition.component.name, []
    if condition.min is not None:
        found.append((f"{name} < {condition.min:g}", values < condition.min))
    if condition.max is not None:
        found.append((f"{name} > {condition.max:g}", values > condition.max))
    return found


def aggregate(desirabilities: Sequence[np.ndarray], weights: Sequence[float], *, geometric: bool) -> np.ndarray:
    """The weighted mean of desirabilities, each (n,): in [0, 1], NaN where one of them is NaN.

    Geometric: one desirability of 0 makes it 0 (Derringer and Suich, J. Qual. Technol. 1980, 12, 214, eq. 1).
    """
    values, total = np.stack(desirabilities), sum(weights)
    shares = np.array(weights)[:, None] / total
    if not geometric:
        return np.clip((values * shares).sum(axis=0), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return np.clip(np.exp((np.log(values) * shares).sum(axis=0)), 0.0, 1.0)
