"""An objective at work: molecules in, and for each of them its raw values, desirabilities, score and filters out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from rdkit import Chem

from molgen.chem.alerts import DEFAULT_SETS
from molgen.chem.descriptors import Shared
from molgen.chem.hazards import alerts_and_flags
from molgen.scoring.aggregation import aggregate
from molgen.scoring.alerts import Alerts
from molgen.scoring.component import FAILURES, NO_VALUE, Molecules, Scorer
from molgen.scoring.components import COMPONENTS
from molgen.scoring.descriptors import Descriptor, values_of
from molgen.scoring.external import External
from molgen.scoring.http import Http
from molgen.scoring.objective import Filter, Objective, measure
from molgen.scoring.predictor import PredictorComponent
from molgen.scoring.shape import Shape
from molgen.scoring.transforms import Transform

NO_TRANSFORM = Transform(type="none")
DEAR_DESCRIPTORS = {"QED", "SA"}
DEAR_SCORERS = (External, Http, Shape)


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

    def evaluate(self, molecules: Molecules, *, funnel: bool = False) -> Evaluation:
        """The values of each molecule; NaN throughout for None.

        `funnel`: hard filters come first, cheap ones before dear ones, and a molecule that fails at a step is measured
        no further. What was not measured is NaN (its alerts None), and `failed` names the filters that it failed at
        that step. Alerts are looked for only where the objective asks for them.
        """
        shared = [None if mol is None else Shared(mol) for mol in molecules]
        measured = {key: np.full(len(molecules), NO_VALUE) for key in self._scorers}
        names: list[list[str] | None] = [None] * len(molecules)
        failed = ["no molecule" if mol is None else None for mol in molecules]
        for keys in self._steps() if funnel else [list(self._scorers)]:
            left = [row for row, why in enumerate(failed) if why is None]
            some = [shared[row] for row in left]
            if not funnel or any(isinstance(self._scorers[key], Alerts) for key in keys):
                for row, one in zip(left, some, strict=True):
                    names[row] = None if one is None else self._alerts(one)
            found = self._measure(some, [names[row] for row in left], keys)
            for key in keys:
                measured[key][left] = found[key]
            for row, why in zip(left, self._failures(len(left), found), strict=True):
                failed[row] = why
        raw = {column: measured[key] for column, key in self.columns.items()}
        desirability = {
            c.name: (c.transform or NO_TRANSFORM)(raw[c.name]) * self._trust(measure(c), raw[c.name], molecules)
            for c in self.objective.components
        }
        score = aggregate(
            [desirability[c.name] for c in self.objective.components],
            [c.weight for c in self.objective.components],
            how=self.objective.aggregation,
        )
        return Evaluation(raw, desirability, score, failed, names)

    def _trust(self, key: str, raw: np.ndarray, molecules: Molecules) -> np.ndarray | float:
        """What desirabilities are multiplied by: 1, but for molecules that a scorer says it knows little of."""
        scorer = self._scorers[key]
        if not isinstance(scorer, PredictorComponent):
            return 1.0
        return scorer.trust([None if np.isnan(v) else mol for mol, v in zip(molecules, raw, strict=True)])

    def alerts_of(self, mol: Chem.Mol) -> list[str] | None:
        """The names of a molecule's alerts, of the sets that the objective asks for; None where RDKit gives up."""
        return self._alerts(Shared(mol))

    def _alerts(self, one: Shared) -> list[str] | None:
        try:
            return alerts_and_flags(one.mol, self.alert_sets, one.drawn)
        except FAILURES:
            return None

    def _steps(self) -> list[list[str]]:
        """What the funnel measures, step by step: hard filters by their cost, then the rest, with the dearest last."""
        filters = {measure(condition.component) for condition in self.objective.filters}
        steps: dict[tuple[bool, int], list[str]] = {}
        for key in self._scorers:
            cost = self._cost(key)
            steps.setdefault((False, cost) if key in filters else (True, max(cost, 1)), []).append(key)
        return [steps[place] for place in sorted(steps)]

    def _cost(self, key: str) -> int:
        """0 for what takes microseconds a molecule, 2 for what may take seconds, 1 for the rest."""
        if isinstance(self._scorers[key], Descriptor):
            return int(self._types[key] in DEAR_DESCRIPTORS)
        return 2 if isinstance(self._scorers[key], DEAR_SCORERS) else 1

    def _measure(
        self, shared: Sequence[Shared | None], names: list[list[str] | None], keys: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The chosen scorers' values. Descriptors and alerts are computed together, for they share their work."""
        descriptors = {k: self._types[k] for k in keys if isinstance(self._scorers[k], Descriptor)}
        values = values_of(list(dict.fromkeys(descriptors.values())), shared)
        molecules = [None if one is None else one.mol for one in shared]
        found = {}
        for key in keys:
            scorer = self._scorers[key]
            if key in descriptors:
                found[key] = values[descriptors[key]]
            else:
                found[key] = scorer.count(names) if isinstance(scorer, Alerts) else scorer.score(molecules)
        return found

    def _failures(self, count: int, measured: dict[str, np.ndarray]) -> list[str | None]:
        """Why each of `count` molecules did not pass what was measured of it, or None."""
        reasons: list[list[str]] = [[] for _ in range(count)]
        raw = {column: measured[key] for column, key in self.columns.items() if key in measured}
        for name, values in raw.items():
            for row in np.flatnonzero(np.isnan(values)):
                reasons[row].append(f"{name} has no value")
        for condition in self.objective.filters:
            if condition.component.name in raw:
                for test, outside in _outside(condition, raw[condition.component.name]):
                    for row in np.flatnonzero(outside):
                        reasons[row].append(test)
        return ["; ".join(why) or None for why in reasons]


# The evaluators of this process by objective: a worker makes each once, and keeps its external programs running.
_EVALUATORS: dict[str, Evaluator] = {}


def evaluator_of(objective: Objective) -> Evaluator:
    """The evaluator that this process keeps for an objective."""
    key = objective.model_dump_json()
    if key not in _EVALUATORS:
        _EVALUATORS[key] = Evaluator(objective)
    return _EVALUATORS[key]


@contextmanager
def evaluators_closed() -> Iterator[None]:
    """Closes the evaluators that this process keeps when the block is done."""
    try:
        yield
    finally:
        while _EVALUATORS:
            _EVALUATORS.popitem()[1].__exit__(None, None, None)


def _outside(condition: Filter, values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """For each bound of a filter: how breaking it is called, and which molecules do."""
    name, found = condition.component.name, []
    if condition.min is not None:
        found.append((f"{name} < {condition.min:g}", values < condition.min))
    if condition.max is not None:
        found.append((f"{name} > {condition.max:g}", values > condition.max))
    return found
