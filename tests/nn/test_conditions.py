"""Codes of conditions: what they keep of a value, and what is given in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molgen.nn.conditions import BINS, Conditions, knots_of, some_given


@pytest.fixture
def conditions() -> Conditions:
    return Conditions({"logP": [0.0, 1.0, 3.0], "QED": [0.2, 0.8]}, width=4)


def test_a_code_says_how_far_a_value_is_through_each_bin(conditions: Conditions) -> None:
    codes = conditions.encode(np.array([[2.0, 0.5], [0.5, 0.2], [3.0, 0.8]]))
    assert codes.tolist() == pytest.approx(np.array([[1, 1, 0.5, 1, 0.5], [1, 0.5, 0, 1, 0], [1, 1, 1, 1, 1]]))


def test_a_value_that_is_not_given_adds_nothing(conditions: Conditions) -> None:
    torch.nn.init.normal_(conditions.code.weight)
    codes = torch.from_numpy(conditions.encode(np.array([[np.nan, np.nan], [np.nan, 0.4]])))
    assert codes[0].tolist() == [0] * 5
    assert codes[1, :3].tolist() == [0] * 3
    assert conditions(codes)[0].tolist() == [0] * 4


def test_values_past_the_ends_stay_within_bounds(conditions: Conditions) -> None:
    codes = conditions.encode(np.array([[-1e9, 1e9]]))
    assert codes.tolist() == [[1, -1, 0, 1, 2]]


@given(st.lists(st.floats(-3, 6), min_size=2, max_size=30, unique=True))
def test_a_code_keeps_the_order_of_values(values: list[float]) -> None:
    conditions = Conditions({"x": np.linspace(-3, 6, BINS + 1).tolist()}, width=2)
    ordered = np.sort(np.array(values))
    sums = conditions.encode(ordered[:, None]).sum(1)
    assert (np.diff(sums) >= -1e-5).all()


def test_a_new_model_is_unconditional(conditions: Conditions) -> None:
    codes = torch.from_numpy(conditions.encode(np.array([[2.0, 0.5]])))
    assert conditions(codes).abs().sum() == 0


def test_knots_are_distinct_quantiles_of_the_finite_values() -> None:
    values = np.concatenate([np.linspace(0, 100, 100_001), [np.nan, np.inf]])
    knots = knots_of(values)
    assert len(knots) == BINS + 1
    assert knots[BINS // 2] == pytest.approx(50, abs=0.01)
    assert knots[-1] == pytest.approx(99.9, abs=0.01)
    assert len(knots_of(np.repeat([1.0, 2.0, 3.0], 50))) == 3
    assert knots_of(np.ones(5)) == [1, 2]
    assert len(knots_of(np.full(3, np.nan))) == 2


def test_any_subset_of_the_properties_is_given_in_training() -> None:
    torch.manual_seed(0)
    given_ones = np.isfinite(some_given(np.zeros((8000, 3)), 0.5))
    nothing = (~given_ones).all(1).mean()
    assert nothing == pytest.approx(0.5 + 0.5 / 4, abs=0.03)  # a uniform share kept leaves none of 3 in 1/4
    subsets, counts = np.unique(given_ones, axis=0, return_counts=True)
    assert len(subsets) == 8
    assert counts.min() > 8000 * 0.5 / 4 / 3 * 0.8
