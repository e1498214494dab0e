"""The funnel of a run: how many molecules were drawn, and how many each step left."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from molgen.core import tables
from molgen.evaluate.reference import Reference
from molgen.report.run import Run


@dataclass(frozen=True)
class Step:
    """A step of the funnel: what is left, and what that means."""

    name: str
    count: int
    meaning: str


def funnel(run: Run, shown: int) -> list[Step]:
    """Drawn, valid, unique, novel, passed, shown, over all families, or scored, passed, shown by a search; steps whose
    files are missing are left out."""
    steps: list[Step] = []
    distinct: set[str] = set()
    files = [run.samples(f) for f in run.families if run.samples(f).is_file()]
    if files:
        columns = [tables.read(file, tables.SAMPLES, ["smiles"])["smiles"] for file in files]
        drawn, valid = sum(len(c) for c in columns), sum(len(c) - c.null_count for c in columns)
        distinct = {s for c in columns for s in pc.unique(c.drop_null()).to_pylist()}
        steps.append(Step("Drawn", drawn, "draws made, failures and repeats included"))
        steps.append(Step("Valid", valid, "one whole molecule that RDKit sanitizes, without repair"))
        steps.append(Step("Unique", len(distinct), "distinct molecules among them"))
    if files and run.molecules.is_file():
        distinct -= Reference.scan(run.molecules, distinct).known
        steps.append(Step("Novel", len(distinct), "of these, not in the training set"))
    if scored := [run.scored(f) for f in run.families if run.scored(f).is_file()]:
        passed: set[str] = set()
        for file in scored:
            table = tables.read(file, tables.SCORED, ["smiles", "passed"])
            passed |= set(table.filter(table["passed"])["smiles"].drop_null().to_pylist())
        left = passed & distinct if files else passed
        steps.append(Step("Passed filters", len(left), "of these, inside every hard limit of the objective"))
    if run.search:
        steps.append(Step("Scored", run.search.calls, "distinct molecules that the search gave to the objective"))
        steps.append(Step("Passed filters", run.search.passed, "of these, inside every hard limit of the objective"))
    if shown:
        steps.append(Step("Shown", shown, "picked by score and diversity, listed below"))
    return steps
