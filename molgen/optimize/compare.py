"""`optimize compare`: the same search with several strategies and seeds, as a table and a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from molgen.core import tables
from molgen.core.artifacts import whole_file
from molgen.core.errors import InputError
from molgen.optimize.curve import curve_svg
from molgen.optimize.search import EXPERIENCE, Request, optimize
from molgen.optimize.strategy import strategy_class

FIGURES = ("calls", "best", "top10", "auc_top10")


def compare(request: Request, strategies: Sequence[str], seeds: int, out: Path) -> list[dict[str, Any]]:
    """Runs or resumes each search into `out/STRATEGY-SEED`; writes `comparison.csv` and `comparison.svg` there.

    Seeds are `request.seed`, `request.seed + 1` and so on. Returns a row a strategy: mean and standard deviation (of a
    sample; nan for one seed) of its figures. `request.values` holds for all strategies, so it is best left empty.
    """
    names = list(dict.fromkeys(strategies))
    if not names:
        raise InputError("--strategies: name at least one")
    for name in names:
        strategy_class(name)
    rows: list[dict[str, Any]] = []
    curves: dict[str, list[np.ndarray]] = {}
    for name in names:
        found = []
        for seed in range(request.seed, request.seed + seeds):
            folder = out / f"{name}-{seed}"
            found.append(optimize(replace(request, strategy=name, seed=seed), folder))
            curves.setdefault(name, []).append(_scores(folder))
        rows.append(_row(name, found))
    with whole_file(out / "comparison.csv") as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with whole_file(out / "comparison.svg") as aside:
        aside.write_text(curve_svg(curves), encoding="utf-8")
    return rows


def _scores(folder: Path) -> np.ndarray:
    """The score of each call, 0 where it has none or did not pass."""
    rows = tables.read(folder / EXPERIENCE, columns=["score", "passed"])
    scores = np.nan_to_num(rows["score"].to_numpy(), nan=0.0)
    return np.where(rows["passed"].to_numpy(), scores, 0.0)


def _row(name: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"strategy": name, "seeds": len(found)}
    for figure in FIGURES:
        values = np.array([summary[figure] for summary in found], np.float64)
        row[figure] = float(values.mean())
        row[f"{figure}.deviation"] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return row
