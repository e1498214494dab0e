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
from molgen.optimize.curve import curve_svg, mean_of_best
from molgen.optimize.front import hypervolumes
from molgen.optimize.search import EXPERIENCE, Request, optimize
from molgen.optimize.strategy import strategy_class

FIGURES = ("calls", "best", "top10", "auc_top10", "hypervolume")


def compare(request: Request, strategies: Sequence[str], seeds: int, out: Path) -> list[dict[str, Any]]:
    """Runs or resumes each search into `out/STRATEGY-SEED`; writes a table and pictures of the curves to `out`.

    Seeds are `request.seed`, `request.seed + 1` and so on. Returns a row a strategy: mean and standard deviation (of a
    sample; nan for one seed) of its figures. `request.values` holds for all strategies, so it is best left empty.
    """
    names = list(dict.fromkeys(strategies))
    if not names:
        raise InputError("--strategies: name at least one")
    for name in names:
        strategy_class(name)
    rows: list[dict[str, Any]] = []
    curves: dict[str, dict[str, list[np.ndarray]]] = {"comparison": {}, "hypervolume": {}}
    for name in names:
        found = []
        for seed in range(request.seed, request.seed + seeds):
            folder = out / f"{name}-{seed}"
            found.append(optimize(replace(request, strategy=name, seed=seed), folder))
            scores, values = _course(folder, [one.name for one in request.objective.components])
            curves["comparison"].setdefault(name, []).append(mean_of_best(scores))
            curves["hypervolume"].setdefault(name, []).append(hypervolumes(values))
        rows.append(_row(name, found))
    with whole_file(out / "comparison.csv") as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for stem, what in (("comparison", "mean of the best ten"), ("hypervolume", "hypervolume")):
        with whole_file(out / f"{stem}.svg") as aside:
            aside.write_text(curve_svg(curves[stem], what), encoding="utf-8")
    return rows


def _course(folder: Path, goals: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The score and the desirabilities of each call, 0 where one is missing or a filter failed."""
    names = ["score", *(f"{goal}.desirability" for goal in goals)]
    rows = tables.read(folder / EXPERIENCE, columns=["passed", *names])
    values = np.stack([rows[name].to_numpy() for name in names], axis=1)
    whole = rows["passed"].to_numpy() & np.isfinite(values).all(axis=1)
    return np.where(whole, values[:, 0], 0.0), np.where(whole[:, None], values[:, 1:], 0.0)


def _row(name: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"strategy": name, "seeds": len(found)}
    for figure in FIGURES:
        values = np.array([summary[figure] for summary in found], np.float64)
        row[figure] = float(values.mean())
        row[f"{figure}.deviation"] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return row
