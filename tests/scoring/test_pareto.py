"""Pareto fronts against the definition, pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molgen.scoring.pareto import fronts


def by_definition(values: np.ndarray) -> list[int]:
    front = [0] * len(values)
    number = 0
    while 0 in front:
        number += 1
        left = [i for i, f in enumerate(front) if f == 0]
        for i in left:
            beaten = any((values[j] >= values[i]).all() and (values[j] > values[i]).any() for j in left)
            if not beaten:
                front[i] = number
    return front


@given(arrays(np.float64, st.tuples(st.integers(0, 25), st.integers(1, 4)), elements=st.sampled_from([0, 0.1, 0.5, 1])))
def test_fronts_follow_the_definition(values: np.ndarray) -> None:
    assert fronts(values, len(values)).tolist() == by_definition(values)


@pytest.mark.parametrize("goals", [2, 5])
def test_many_rows(goals: int) -> None:
    values = np.random.default_rng(goals).random((200, goals))
    assert fronts(values, 200).tolist() == by_definition(values)


def test_it_stops_when_enough_rows_have_a_front() -> None:
    assert fronts(np.array([[1.0], [2.0], [3.0], [2.0]]), 2).tolist() == [0, 2, 1, 2]
