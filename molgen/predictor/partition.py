"""Which molecules test a predictor: at random, by scaffold, by time, or as a column says."""

from __future__ import annotations

from typing import Literal

import numpy as np

from molgen.chem.parse import parse
from molgen.chem.scaffolds import murcko
from molgen.core import seeds
from molgen.core.errors import InputError
from molgen.data.splits import SYNONYMS
from molgen.predictor.table import Measured

How = Literal["random", "scaffold", "time", "column"]


def partitions(measured: Measured, how: How, folds: int, test: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(training rows, test rows) of each fold, or of the one partition with a share `test` where `folds` is 1.

    Scaffold, one partition: Murcko scaffolds from the most frequent on go to training until it is full, as in
    MoleculeNet (Wu et al. 2018), so that the test set holds the rare ones. Scaffold, folds: scaffolds are dealt out in
    a seeded order, each to the emptiest fold. Time: the latest are tested (one partition only).
    """
    count = len(measured.smiles)
    if how in ("time", "column") and folds > 1:
        raise InputError(f"--split {how}: one partition only; give --folds 1")
    if how == "time":
        if measured.times is None or not np.isfinite(measured.times).all():
            raise InputError(
                "--split time: a column of numbers (a year, say) is needed for every molecule; --time-column"
            )
        order = np.argsort(measured.times, kind="stable")
        return [_halves(order[: count - round(test * count)], order[count - round(test * count) :])]
    if how == "column":
        names = [SYNONYMS.get(n.casefold(), n.casefold()) for n in measured.splits or []]
        tested = np.array([name.startswith("test") for name in names], bool)
        if not tested.any() or tested.all():
            raise InputError("--split column: no molecule, or each, says `test` there; --split-column names the column")
        return [_halves(np.flatnonzero(~tested), np.flatnonzero(tested))]
    groups = _scaffolds(measured) if how == "scaffold" else np.arange(count)
    if folds > 1:
        fold_of = _dealt(groups, folds, seed)
        return [_halves(np.flatnonzero(fold_of != f), np.flatnonzero(fold_of == f)) for f in range(folds)]
    if how == "random":
        order = seeds.numpy_generator(seed, "split").permutation(count)
        return [_halves(order[round(test * count) :], order[: round(test * count)])]
    sizes = np.bincount(groups)
    train: list[int] = []
    for group in np.argsort(-sizes, kind="stable"):
        rows = np.flatnonzero(groups == group)
        if len(train) + len(rows) <= round((1 - test) * count):
            train.extend(rows.tolist())
    return [_halves(np.array(train), np.setdiff1d(np.arange(count), train))]


def _scaffolds(measured: Measured) -> np.ndarray:
    """The number of each molecule's scaffold, in the order of their first molecules; acyclic ones share one."""
    names: dict[str, int] = {}
    return np.array([names.setdefault(murcko(parse(text)), len(names)) for text in measured.smiles])


def _dealt(groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    sizes, filled = np.bincount(groups), np.zeros(folds, np.int64)
    fold_of = np.zeros(len(groups), np.int64)
    order = seeds.numpy_generator(seed, "split").permutation(len(sizes))
    for group in sorted(order.tolist(), key=lambda g: -sizes[g]):
        fold = int(np.argmin(filled))
        fold_of[groups == group] = fold
        filled[fold] += sizes[group]
    return fold_of


def _halves(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(train) or not len(test):
        raise InputError("the split leaves no molecule to train on, or none to test on; choose another")
    return np.sort(train), np.sort(test)
