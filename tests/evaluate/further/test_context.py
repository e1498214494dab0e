"""Which molecules stand in the draws' place."""

from __future__ import annotations

from molgen.evaluate.further.context import Subject


def test_fewer_molecules_of_a_reference_are_spread_over_it():
    """A file may be sorted: its first molecules are not like all of them."""
    subject = Subject("train", [f"{'C' * size}O" for size in range(1, 101)], reference=True)
    some = subject.spread(10)
    assert [len(smiles) for smiles in some.smiles] == [2 + 10 * i for i in range(10)]
    assert len(subject.spread(33)) == len(set(subject.spread(33).smiles)) == 33
    assert subject.spread(100) is subject.spread(1_000) is subject
