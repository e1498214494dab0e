"""A search that is stuck begins anew, from molecules that it has not seen."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from molgen.optimize.hybrid import Hybrid, HybridSettings
from molgen.optimize.strategy import Context

CHAINS = [f"{'C' * n}{end}" for n in range(1, 16) for end in ("O", "N", "F", "Cl")]
SMALL = HybridSettings(start=20, batch=5, children=10, generations=1, learnt=16, patience=30)


def _search(**changes: object) -> Hybrid:
    return Hybrid(SMALL.model_copy(update=changes), Context(iter(CHAINS), "", 0))


def _told(strategy: Hybrid, calls: int, value: Callable[[int], float]) -> list[str]:
    """What was asked until so many molecules were told of; the value is by their number."""
    asked: list[str] = []
    numbers = itertools.count()
    while len(strategy.memory) < calls:
        found = strategy.ask(5)
        assert found
        strategy.tell(found, np.array([value(next(numbers)) for _ in found]))
        asked += found
    return asked


def test_a_search_without_a_gain_begins_anew_from_further_molecules() -> None:
    strategy = _search()
    asked = _told(strategy, 75, lambda number: 1.0)
    assert asked[:20] == CHAINS[:20]
    assert not set(asked[20:50]) & set(CHAINS[20:40])
    assert asked[50:70] == CHAINS[20:40]
    assert strategy.first == 50
    assert not set(asked[70:]) & set(CHAINS[:40])


def test_a_search_that_is_stuck_again_goes_on_from_all_and_then_begins_once_more() -> None:
    strategy = _search()
    first = {}
    while len(strategy.memory) < 155:
        _told(strategy, len(strategy.memory) + 5, lambda number: 1.0)
        first[len(strategy.memory)] = strategy.first
    assert [number for number in first if first[number] != first.get(number - 5)][1:] == [55, 105, 135]
    assert [first[number] for number in (50, 55, 105, 135)] == [0, 50, 0, 130]


def test_it_breeds_from_what_came_since_then() -> None:
    strategy = _search()
    _told(strategy, 75, lambda number: 1.0 if number < 50 else 0.5)
    seen: list[str] = []
    strategy.candidates = lambda parents, generator: seen.extend(parents) or []  # type: ignore[method-assign]
    strategy.ask(5)
    assert seen
    assert set(seen) <= set(strategy.memory.smiles[50:])


@pytest.mark.parametrize(
    ("changes", "value"),
    [({"patience": 0}, lambda number: 1.0), ({}, lambda number: number / 75)],
    ids=["not asked to", "it gains"],
)
def test_it_goes_on(changes: dict[str, object], value: Callable[[int], float]) -> None:
    strategy = _search(**changes)
    _told(strategy, 75, value)
    assert strategy.first == 0


@pytest.mark.parametrize(("later", "first"), [(1.015, 60), (1.05, 0)], ids=["hardly", "clearly"])
def test_a_gain_of_less_than_a_fiftieth_of_all_that_was_gained_is_none(later: float, first: int) -> None:
    strategy = _search()
    _told(strategy, 80, lambda number: 0.0 if number < 20 else 1.0 if number < 40 else later)
    assert strategy.first == first


def test_a_long_search_is_stuck_after_a_quarter_of_its_calls() -> None:
    strategy = _search(patience=10)
    _told(strategy, 135, lambda number: min(number, 100))
    assert strategy.first == 0
    _told(strategy, 145, lambda number: 100)
    assert strategy.first == 140


def test_it_goes_on_where_there_are_no_further_molecules() -> None:
    strategy = Hybrid(SMALL, Context(iter(CHAINS[:20]), "", 0))
    _told(strategy, 75, lambda number: 1.0)
    assert strategy.first == 0


def test_what_began_anew_goes_on_from_where_it_was_saved(tmp_path) -> None:
    strategy = _search()
    _told(strategy, 60, lambda number: 1.0)
    strategy.save(tmp_path)
    again = _search()
    again.load(tmp_path)
    assert again.first == 50
    assert _told(again, 90, lambda number: 1.0) == _told(strategy, 90, lambda number: 1.0)
