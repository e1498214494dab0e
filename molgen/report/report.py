"""The stage `report`: a run folder to one HTML page, with the candidates as SDF and CSV beside it."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from molgen import __version__
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError
from molgen.core.settings import Settings
from molgen.report.exports import write_csv, write_sdf
from molgen.report.funnel import funnel
from molgen.report.page import report_page
from molgen.report.payload import report_data
from molgen.report.predictions import predictors_of
from molgen.report.run import open_run
from molgen.report.sheet import make_sheet


class ReportSettings(Settings):
    """Settings of a report."""

    title: str | None = Field(default=None, max_length=200, description="heading; the run's name by default")
    show: int = Field(default=500, ge=1, le=5_000, description="most candidates on the page, best first")
    neighbours: bool = Field(default=True, description="look up each candidate's nearest training molecule")
    known: tuple[str, ...] = Field(default=(), description="files of known molecules to show the nearest of")
    predictors: tuple[str, ...] = Field(default=(), description="folders of predictors beside the objective's own")


@dataclass(frozen=True)
class Written:
    """The files of a report, how many candidates they hold, and what was missing from the run."""

    page: Path
    sdf: Path
    csv: Path
    candidates: int
    gaps: list[str]


def report(run: Path, out: Path, settings: ReportSettings | None = None, *, workers: int = 1) -> Written:
    """Writes `out` (HTML), and candidates.sdf and candidates.csv in its folder; parts that are missing are named."""
    settings = settings or ReportSettings()
    if out.suffix != ".html":
        raise InputError(f"{out}: --out must end in .html")
    opened = open_run(run)
    if (comparison := run / "compare.html").is_file():
        opened.comparison = Path(os.path.relpath(comparison, out.parent)).as_posix()
    inputs = opened.inputs() | {f"known {file}": Path(file) for file in settings.known}
    predictors = predictors_of(opened, settings.predictors)
    inputs |= {f"predictor {one.name}": one.folder for one in predictors}
    values = {**settings.values(), "molgen": __version__}
    if opened.comparison is not None:
        values["comparison"] = opened.comparison
    identity = Identity.of("report", values, inputs)
    sdf, table = out.with_name("candidates.sdf"), out.with_name("candidates.csv")
    if already_made(out, identity) and sdf.is_file() and table.is_file():
        return Written(out, sdf, table, _shown(table), opened.gaps)
    looked_up: Any = {"neighbours": settings.neighbours, "known": settings.known, "predictors": predictors}
    sheet = make_sheet(opened, settings.show, workers, **looked_up)
    title = settings.title or opened.name
    data = report_data(opened, sheet, key=identity.key, title=title)
    text = report_page(opened, sheet, funnel(opened, len(sheet)), data, title=title)
    with building(out, identity, workers=workers) as aside:
        aside.write_text(text, encoding="utf-8")
        write_sdf(sdf, sheet)
        write_csv(table, sheet)
    return Written(out, sdf, table, len(sheet), opened.gaps)


def _shown(table: Path) -> int:
    with table.open(newline="", encoding="utf-8") as stream:
        return sum(1 for _ in csv.DictReader(stream))
