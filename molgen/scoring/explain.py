"""An objective in words: what each component measures, in what unit, and what is good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molgen.scoring.component import Scorer
from molgen.scoring.components import COMPONENTS
from molgen.scoring.drugs import DRUGS
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Filter, Objective, measure

JOINED = {
    "geometric": "the weighted geometric mean of its components: one that is worthless makes the score 0",
    "arithmetic": "the weighted arithmetic mean of its components: a strong one makes up for a weak one",
    "minimum": "the desirability of its worst component, whatever the weights",
}


def scorers_of(objective: Objective) -> dict[str, Scorer]:
    """A scorer for each thing that the objective measures, by `measure`."""
    parts = [*objective.components, *(condition.component for condition in objective.filters)]
    return {key: COMPONENTS[part.type](part) for key, part in {measure(part): part for part in parts}.items()}


def in_words(objective: Objective, scorers: dict[str, Scorer]) -> list[str]:
    """The lines of the explanation."""
    total = sum(component.weight for component in objective.components)
    lines = [f"objective {objective.name!r}: 0 (bad) to 1 (good), {JOINED[objective.aggregation]}"]
    for component in objective.components:
        share = "" if objective.aggregation == "minimum" else f", {component.weight / total:.0%} of the weight"
        good = component.transform.in_words if component.transform else "the value as it is, more is better"
        lines += [f"component {component.name!r} ({component.type}{share})"]
        lines += [f"  measures  {_measured(scorers[measure(component)])}", f"  good      {good}"]
    for condition in objective.filters:
        lines += [f"filter {condition.component.name!r} ({condition.component.type})"]
        scorer = scorers[measure(condition.component)]
        lines += [f"  measures  {_measured(scorer)}", f"  passes    {bounds(condition)}"]
    return lines


def bounds(condition: Filter) -> str:
    """`150 <= value <= 550`."""
    low = "" if condition.min is None else f"{condition.min:g} <= "
    return f"{low}value" + ("" if condition.max is None else f" <= {condition.max:g}")


def _measured(scorer: Scorer) -> str:
    return f"{scorer.meaning} [{scorer.unit}]" if scorer.unit else scorer.meaning


@dataclass(frozen=True)
class Tried:
    """An objective tried on the ten drugs: a row each, with its score, why it did not pass, and a cell a column."""

    columns: list[str]
    rows: list[tuple[str, float, str | None, list[str]]]
    silent: list[str]  # columns without any value

    @property
    def passed(self) -> int:
        """How many drugs pass every filter."""
        return sum(failed is None for _, _, failed, _ in self.rows)

    def table(self) -> list[str]:
        """The rows as text, columns aligned; a cell is `value (desirability)`, a filter's alone `value`."""
        head = ["drug", "score", *self.columns, "filters"]
        cells = [[name, _number(score), *own, failed or "passed"] for name, score, failed, own in self.rows]
        widths = [max(len(row[i]) for row in [head, *cells]) for i in range(len(head))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [head, *cells]
        ]


def try_on_drugs(objective: Objective) -> Tried:
    """The ten drugs, scored; a component without a value shows `-`."""
    with Evaluator(objective) as evaluator:
        found = evaluator.evaluate([Chem.MolFromSmiles(smiles) for smiles in DRUGS.values()])
    rows = []
    for place, name in enumerate(DRUGS):
        cells = [_cell(values[place], found.desirability.get(column), place) for column, values in found.raw.items()]
        rows.append((name, float(found.score[place]), found.failed[place], cells))
    return Tried(list(found.raw), rows, [column for column, values in found.raw.items() if np.isnan(values).all()])


def _cell(value: float, desirability: np.ndarray | None, place: int) -> str:
    if desirability is None or np.isnan(value):
        return _number(value)
    return f"{_number(value)} ({_number(desirability[place])})"


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3g}"


def usual_values(scorer: Scorer) -> np.ndarray:
    """Values, ascending, that stand for those of drug-like molecules; none where they are not known."""
    low, high = scorer.usual
    if np.isnan(low):
        return np.empty(0)
    whole = np.arange(np.ceil(low), np.floor(high) + 1)
    if scorer.unit == "count":
        return whole
    return np.unique(np.concatenate([np.linspace(low, high, 401), whole]))
