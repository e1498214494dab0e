"""What is wrong with an objective that can be read: parts that exclude each other, or that say nothing.

What no molecule can fulfil (`scoring.contradictions`) is refused when the objective is read; here are the doubts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rdkit import Chem

from molgen.scoring.component import ComponentSettings, Scorer
from molgen.scoring.evaluator import NO_TRANSFORM
from molgen.scoring.explain import Tried, bounds, usual_values
from molgen.scoring.objective import Filter, Objective, measure
from molgen.scoring.substructure import SubstructureSettings

WORTHLESS = 0.05  # where the sigmoids are practically bad
SAME = 0.01  # a desirability that moves less than this sorts nothing

# value of `small` <= factor * value of `large`, for (hardly) every molecule; 10 and 30 g/mol: the lightest and heaviest
# drug-like mean mass of a heavy atom
ORDERS = (
    ("heavy_atoms", "MW", 0.1, "a heavy atom weighs 10 g/mol or more"),
    ("MW", "heavy_atoms", 30.0, "a heavy atom of drug-like molecules weighs less than 30 g/mol with its hydrogens"),
)


def doubts(objective: Objective, scorers: dict[str, Scorer]) -> list[str]:
    """One line for each doubt; [] if there is none."""
    found = [*_of_filters(objective, scorers), *_of_components(objective, scorers)]
    return [*found, *_of_substructures(objective), *_of_weights(objective)]


def doubts_from_trial(tried: Tried) -> list[str]:
    """What the ten drugs show."""
    if tried.silent:
        return [
            f"component {name!r} has no value for any of the ten drugs; does it answer at all?" for name in tried.silent
        ]
    if tried.passed == 0:
        return ["none of the ten drugs passes the filters; the column `filters` says why"]
    if not any(score > 0 for _, score, _, _ in tried.rows):
        return ["none of the ten drugs has a score above 0; the table shows which component is to blame"]
    return []


def _of_filters(objective: Objective, scorers: dict[str, Scorer]) -> Iterator[str]:
    for condition in objective.filters:
        scorer = scorers[measure(condition.component)]
        values = usual_values(scorer)
        if len(values) and not _inside(condition, values).any():
            yield (
                f"filter {condition.component.name!r}: {bounds(condition)}, but drug-like molecules lie between "
                f"{scorer.usual[0]:g} and {scorer.usual[1]:g}; hardly anything will pass"
            )
    limits = {
        condition.component.type: _limits(objective.filters, condition.component) for condition in objective.filters
    }
    for small, large, factor, why in ORDERS:
        if small in limits and large in limits and limits[small][0] > factor * limits[large][1]:
            yield (
                f"filters on {small} (at least {limits[small][0]:g}) and {large} (at most {limits[large][1]:g}) "
                f"exclude each other: {why}"
            )


def _limits(filters: tuple[Filter, ...], component: ComponentSettings) -> tuple[float, float]:
    """The tightest bounds that the filters set to what a component measures."""
    same = [condition for condition in filters if measure(condition.component) == measure(component)]
    low = max((c.min for c in same if c.min is not None), default=-np.inf)
    return low, min((c.max for c in same if c.max is not None), default=np.inf)


def _inside(condition: Filter, values: np.ndarray) -> np.ndarray:
    low = -np.inf if condition.min is None else condition.min
    return (values >= low) & (values <= (np.inf if condition.max is None else condition.max))


def _of_components(objective: Objective, scorers: dict[str, Scorer]) -> Iterator[str]:
    for component in objective.components:
        scorer = scorers[measure(component)]
        values = usual_values(scorer)
        if not len(values):
            continue
        desirability = (component.transform or NO_TRANSFORM)(values)
        where = f"from {scorer.usual[0]:g} to {scorer.usual[1]:g}{f' {scorer.unit}' if scorer.unit else ''}"
        low, high = _limits(objective.filters, component)
        left = desirability[(values >= low) & (values <= high)]
        if desirability.max() < WORTHLESS:
            yield (
                f"component {component.name!r}: its desirability is below {WORTHLESS:g} everywhere {where}, "
                "where drug-like molecules lie; check its transform"
            )
        elif np.ptp(desirability) < SAME:
            yield (
                f"component {component.name!r}: its desirability is {desirability[0]:.2f} everywhere {where}, "
                "where drug-like molecules lie; it tells none of them apart"
            )
        elif len(left) and left.max() < WORTHLESS:
            yield (
                f"component {component.name!r}: the filters leave only values whose desirability is below "
                f"{WORTHLESS:g}; one of the two is wrong"
            )


def _of_substructures(objective: Objective) -> Iterator[str]:
    """A pattern that one filter requires and another forbids, or that a filter forbids and a component rewards."""
    filters = [(f"filter {c.component.name!r}", c.component) for c in objective.filters]
    parts = [*filters, *((f"component {component.name!r}", component) for component in objective.components)]
    found = [(where, part) for where, part in parts if isinstance(part, SubstructureSettings)]
    for wants, one in found:
        for forbids, other in found:
            if wants.startswith("component") and forbids.startswith("component"):
                continue
            unwanted = {_canonical(smarts) for smarts in other.forbidden}
            for smarts in one.required:
                if _canonical(smarts) in unwanted:
                    yield f"{wants} requires {smarts!r}, which {forbids} forbids; the two exclude each other"


def _canonical(smarts: str) -> str:
    text: str = Chem.MolToSmarts(Chem.MolFromSmarts(smarts))
    return text


def _of_weights(objective: Objective) -> Iterator[str]:
    if objective.aggregation == "minimum" and len({component.weight for component in objective.components}) > 1:
        yield "aggregation 'minimum' takes no account of the weights, and they differ; leave them out"
