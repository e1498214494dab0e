"""Transforms: range, direction and the values that their documentation promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgen.core.errors import SettingsError
from molgen.scoring.transforms import TRANSFORMS, read_transform

EXAMPLES = {
    "none": {},
    "sigmoid": {"low": 1, "high": 3},
    "reverse_sigmoid": {"low": 1, "high": 3},
    "double_sigmoid": {"low": 1, "high": 3, "margin": 0.5},
    "gaussian": {"mean": 2, "sd": 1},
    "step": {"min": 1, "max": 3},
    "linear": {"low": 1, "high": 3},
    "value_map": {"map": {0: 1, 1: 0.5, 2: 0}, "other": 0.25},
}
numbers = st.floats(-1e12, 1e12)
lists = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20)


def apply(kind: str, values: object, **parameters: object) -> np.ndarray:
    return read_transform({"type": kind, **parameters})(np.array(values, np.float64))


def test_every_transform_has_an_example() -> None:
    assert set(EXAMPLES) == set(TRANSFORMS)


@pytest.mark.parametrize("kind", TRANSFORMS)
@given(values=lists)
def test_results_lie_in_0_to_1_and_nan_stays(kind: str, values: list[float]) -> None:
    found = apply(kind, values, **EXAMPLES[kind])
    assert found.shape == (len(values),)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    assert ((found >= 0) & (found <= 1) | np.isnan(found)).all()


@pytest.mark.parametrize(
    ("kind", "more", "sign"),
    [
        ("none", {}, 1),
        ("sigmoid", {"low": -1, "high": 5}, 1),
        ("reverse_sigmoid", {"low": -1, "high": 5}, -1),
        ("linear", {"low": -1, "high": 5}, 1),
        ("linear", {"low": -1, "high": 5, "decreasing": True}, -1),
        ("step", {"min": 2}, 1),
        ("step", {"max": 2}, -1),
    ],
)
@given(pair=st.tuples(numbers, numbers))
def test_monotone_ones_are(kind: str, more: dict, sign: int, pair: tuple[float, float]) -> None:
    low, high = apply(kind, sorted(pair), **more)
    assert sign * low <= sign * high


@given(low=st.floats(-1e3, 1e3), width=st.floats(0.01, 1e3))
def test_sigmoids_reach_their_ends(low: float, width: float) -> None:
    ends = [low, low + width / 2, low + width]
    bounds = {"low": low, "high": low + width}
    np.testing.assert_allclose(apply("sigmoid", ends, **bounds), [0.05, 0.5, 0.95], atol=1e-6)
    np.testing.assert_allclose(apply("reverse_sigmoid", ends, **bounds), [0.95, 0.5, 0.05], atol=1e-6)


def test_published_shapes() -> None:
    np.testing.assert_allclose(
        apply("double_sigmoid", [-40, 0, 50, 100, 110], low=0, high=100, margin=10), [0, 0.5, 1, 0.5, 0.05], atol=1e-5
    )
    np.testing.assert_allclose(apply("gaussian", [2, 3, 1], mean=2, sd=1), [1, np.exp(-0.5), np.exp(-0.5)])
    np.testing.assert_array_equal(apply("step", [0.9, 1, 2, 2.1], min=1, max=2), [0, 1, 1, 0])
    np.testing.assert_array_equal(apply("linear", [0, 1, 2, 3, 4], low=1, high=3), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(apply("linear", [0, 2, 4], low=1, high=3, decreasing=True), [1, 0.5, 0])
    np.testing.assert_array_equal(apply("value_map", [0, 1, 7], map={0: 1, 1: 0.5}, other=0.1), [1, 0.5, 0.1])
    np.testing.assert_array_equal(apply("none", [-1, 0.3, 2]), [0, 0.3, 1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"type": "sigmod"}, "unknown type 'sigmod' \\(did you mean 'sigmoid'"),
        ({"type": "sigmoid", "low": 3, "high": 1}, "low = 3 must be below high = 1"),
        ({"type": "step"}, "give min, max or both"),
        ({"type": "step", "min": 2, "max": 1}, "min = 2 is above max = 1"),
        ({"type": "gaussian", "mean": 0, "sd": 0}, "sd = 0"),
        ({"type": "gaussian", "mean": 0, "sigma": 1}, "unknown key 'sigma'|'sd' is missing"),
        ({"type": "linear", "low": 0, "high": float("inf")}, "high = inf"),
        ({"type": "value_map", "map": {1: 2}}, "1 -> 2 is not in 0 to 1"),
        ({"low": 1}, "expected `type"),
        (7, "expected `type"),
    ],
)
def test_what_is_refused(values: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_transform(values)
