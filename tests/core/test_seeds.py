"""Seeds: every use has its own numbers, the same on every machine and in every batch."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from molgen.core.seeds import child, numpy_generator, uniforms

SEEDS = st.integers(0, 2**63 - 1)
DRAWS = st.lists(st.integers(0, 2**40), min_size=1, max_size=8)


def test_child_seeds_never_change():
    # Golden values: a change of any of them would change every result that was ever made with a seed.
    assert child(0) == 2033344993903900207
    assert child(0, "sample", 17) == 5087231232492608056
    assert child(7, "prepare", "sample") == 2864275322786446916


def test_child_is_the_hash_of_its_path():
    digest = hashlib.sha256(b"3/epoch/2").digest()
    assert child(3, "epoch", 2) == int.from_bytes(digest[:8], "little") // 2
    assert len({child(seed, use, i) for seed in range(10) for use in ("a", "b") for i in range(10)}) == 200


@given(SEEDS, st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=3))
def test_child_seeds_fit_every_generator(seed, path):
    assert 0 <= child(seed, *path) < 2**63


@given(SEEDS, DRAWS, st.integers(1, 12), st.integers(0, 12))
@settings(deadline=None)
def test_a_row_depends_on_seed_and_draw_alone(seed, draws, length, more):
    batch = uniforms(seed, np.array(draws), length)
    assert batch.shape == (len(draws), length)
    assert ((batch >= 0) & (batch < 1)).all()
    for row, draw in zip(batch, draws, strict=True):
        alone = uniforms(seed, np.array([draw]), length + more)[0]
        assert (alone[:length] == row).all()  # a longer row begins with the shorter


def test_rows_of_other_seeds_and_draws_are_others():
    rows = np.concatenate([uniforms(seed, np.arange(50), 4) for seed in (0, 1)])
    assert len(np.unique(rows)) == rows.size
    assert abs(uniforms(0, np.arange(2000), 5).mean() - 0.5) < 0.01  # standard error 0.003


def test_no_draws():
    assert uniforms(0, np.array([], dtype=np.int64), 3).shape == (0, 3)


def test_generators_of_one_path_agree():
    assert numpy_generator(1, "a").random() == numpy_generator(1, "a").random() != numpy_generator(1, "b").random()
