"""The Pareto front of a search and its hypervolume, against sums by hand."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from molgen.optimize.experience import Experience
from molgen.optimize.front import front, goals, hypervolumes


def _exact(values: np.ndarray) -> float:
    """The volume of a union of boxes from the origin, by inclusion and exclusion."""
    total = 0.0
    for count in range(1, len(values) + 1):
        for some in combinations(values, count):
            total += (-1) ** (count + 1) * float(np.prod(np.min(some, axis=0)))
    return total


@pytest.mark.parametrize("dimensions", [1, 2, 3, 6])
def test_the_hypervolume_is_that_of_the_union_after_each_call(dimensions: int) -> None:
    values = np.random.default_rng(dimensions).random((9, dimensions))
    found = hypervolumes(values)
    exact = [_exact(values[: calls + 1]) for calls in range(len(values))]
    np.testing.assert_allclose(found, exact, atol=1e-3)


def test_nothing_holds_nothing_and_everything_the_whole_cube() -> None:
    assert hypervolumes(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.5]])).tolist() == [0, 0, 1, 1]
    assert len(hypervolumes(np.empty((0, 3)))) == 0


def test_the_front_is_what_nothing_dominates() -> None:
    values = np.round(np.random.default_rng(0).random((60, 3)), 1)
    values[7] = 0
    better = (values[None] >= values[:, None]).all(-1) & (values[None] > values[:, None]).any(-1)
    assert front(values).tolist() == np.flatnonzero(~better.any(axis=1)).tolist()
    assert front(np.zeros((3, 2))).tolist() == []


def test_a_molecule_that_fails_a_filter_or_lacks_a_value_holds_nothing(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "log.jsonl")
    for place, (passed, value) in enumerate([(True, 0.5), (False, 0.9), (True, float("nan"))]):
        row = {"smiles": "C" * (place + 1), "score": value, "passed": passed, "failed": None}
        experience.add([row | {"a.desirability": value, "b.desirability": 0.25}])
    assert goals(experience, ["a", "b"]).tolist() == [[0.5, 0.25], [0, 0], [0, 0]]
