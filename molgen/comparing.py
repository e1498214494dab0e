"""The stage `compare`: the models of one or more runs side by side, as one page and one table.

What there is of a model: its metrics, and beside them in the run's folder its draws, and what training and sampling
took. Runs that differ in nothing but their seed are given one name (`NAME=RUN`); their models then share a column, with
the mean of each figure and its standard deviation.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from pydantic import Field

from molgen import __version__
from molgen.core import tables
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, SettingsError
from molgen.core.seeds import numpy_generator
from molgen.core.settings import Settings
from molgen.evaluate.further.names import FURTHER
from molgen.evaluate.record import read_metrics

FLOOR = "training set"
STEPS = ("train", "sample")  # whose time and memory are shown
# first part of a metric's name -> which way is better; others are not judged
BETTER = {
    **dict.fromkeys(("valid", "valid_literature", "unique", "Novelty", "Filters", "SNN", "Frag", "Scaf"), "up"),
    **dict.fromkeys(("unique@1000", "unique@10000", "IntDiv", "IntDiv2"), "up"),
    **dict.fromkeys(("FCD", "logP", "SA", "QED", "weight"), "down"),
}


class CompareSettings(Settings):
    """Settings of a comparison."""

    title: str | None = Field(default=None, max_length=200, description="heading; the runs' names by default")
    examples: int = Field(default=10, ge=0, le=100, description="random valid draws shown of each model")
    map: int = Field(default=500, ge=0, le=5_000, description="molecules of each model on the map; 0: no map")


class Cell(NamedTuple):
    """A metric's value; its 95 % interval, if any; of several runs the standard deviation, and how many have it."""

    value: float
    bounds: tuple[float, float] | None = None
    deviation: float | None = None
    runs: int = 1


class Floor(NamedTuple):
    """The training set's own figures, and of how many molecules they are."""

    n: int
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Model:
    """A column. Of each run, of which there are several where seeds share a column: its metrics record, its distinct
    valid draws, and what its steps took, as lines of text."""

    name: str
    records: list[dict[str, Any]]
    draws: list[list[str]] = field(default_factory=list)
    costs: list[dict[str, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name, and how many runs are behind it."""
        return self.name if len(self.records) == 1 else f"{self.name} ({len(self.records)} runs)"

    @property
    def drawn(self) -> list[int]:
        """The numbers of draws, failures included, ascending: one, unless runs of the model differ."""
        return sorted({int(record["n"]) for record in self.records})

    @property
    def measured(self) -> int:
        """The fewest molecules that the metrics over molecules looked at (`limit` of `evaluate`)."""
        counts = (record.get("reference", {}).get("compared", {}).get("generated") for record in self.records)
        return min([self.drawn[0], *(count for count in counts if count is not None)])

    def cell(self, metric: str) -> Cell | None:
        """A metric's value; None if it was not measured."""
        values = [float(v) for record in self.records if (v := record["metrics"].get(metric)) is not None]
        if not values:
            return None
        if len(self.records) == 1:
            bounds = self.records[0].get("intervals", {}).get(metric)
            return Cell(values[0], tuple(bounds) if bounds else None)
        return Cell(fmean(values), None, stdev(values) if len(values) > 1 else None, len(values))

    def note(self, metric: str) -> str:
        """Why a metric has no value."""
        return next((why for r in self.records if (why := r.get("notes", {}).get(metric))), "not measured")


def compare(
    places: Sequence[str | Path], out: Path, settings: CompareSettings | None = None, *, seed: int = 0
) -> list[Model]:
    """Writes `out` (HTML) and the same table as `out` with .csv; returns the models.

    A place is a run's folder (all of `metrics/*.json`) or a metrics file of `evaluate`, with `NAME=` before it or not.
    """
    from molgen.report.comparison import page

    settings = settings or CompareSettings()
    if out.suffix != ".html":
        raise InputError(f"{out}: --out must end in .html")
    files = metrics_files(places)
    names = [(name, len(runs)) for name, runs in files.items()]
    beside = {f"{name}/{i}": _beside(run) for name, runs in files.items() for i, run in enumerate(runs)}
    inputs = {f"{run}/{kind}": file for run, found in beside.items() for kind, file in found.items()}
    identity = Identity.of("compare", {**settings.values(), "names": names, "molgen": __version__}, inputs, seed)
    models = [_model(name, runs) for name, runs in files.items()]
    table = out.with_suffix(".csv")
    if already_made(out, identity) and table.is_file():
        return models
    with building(out, identity) as aside:
        aside.write_text(page(models, settings, seed), encoding="utf-8")
        _write_csv(table, models)
    return models


def metrics_files(places: Sequence[str | Path]) -> dict[str, list[Path]]:
    """Name -> metrics files of every model: several where places were given one name.

    The name of a run's model carries the run's, unless all places are one run or share one name.
    """
    given = [_named(str(place)) for place in places]
    runs = {name or str(place.resolve()) for name, place in given}
    found: dict[str, list[Path]] = {}
    for label, place in given:
        files = [place] if place.is_file() else sorted(place.glob("metrics/*.json"))
        files = [file for file in files if not file.name.endswith("provenance.json")]
        if not files:
            raise InputError(f"{place}: holds no metrics/NAME.json; give runs or files that `molgen evaluate` made")
        for file in files:
            if place.is_file():
                name = label or file.stem
            else:
                name = file.stem if len(runs) == 1 else f"{label or place.resolve().name}/{file.stem}"
            if name in found and label is None:
                raise SettingsError(
                    f"{file}: a second model called {name!r}; rename the file or its run's folder, or give "
                    "seeds of one model one name (NAME=PLACE)"
                )
            _refuse_copies(file, found.setdefault(name, []))
            found[name].append(file)
    return found


def _named(place: str) -> tuple[str | None, Path]:
    """`NAME=PATH` in two; a path that exists is a path, whatever its name."""
    name, equals, path = place.partition("=")
    if not equals or Path(place).exists():
        return None, Path(place)
    if not name.strip() or not path:
        raise SettingsError(f"{place}: NAME=PLACE is expected, such as smiles=results/seed0")
    return name.strip(), Path(path)


def _refuse_copies(file: Path, others: Sequence[Path]) -> None:
    """Draws of one seed twice would have no spread, and show none."""
    for other in others:
        if file.samefile(other) or read_metrics(file) == read_metrics(other):
            raise SettingsError(f"{file}: the same figures as {other}; runs of one name are to differ in their seed")


def names_of(models: Sequence[Model]) -> list[str]:
    """The metrics that any of the models has, in the order of the first that has it."""
    return list(dict.fromkeys(name for model in models for record in model.records for name in record["metrics"]))


def best(models: Sequence[Model], metric: str) -> list[str]:
    """The names of the models with the best value of a metric; [] where all are equal, or no way is better."""
    further = FURTHER.get(metric)
    way = further.better if further else BETTER.get(metric.partition("/")[0])
    values = {model.name: cell.value for model in models if (cell := model.cell(metric)) is not None}
    if not way or len(set(values.values())) < 2:
        return []
    top = max(values.values()) if way == "up" else min(values.values())
    return [name for name, value in values.items() if value == top]


def floor_of(models: Sequence[Model]) -> Floor | None:
    """The floor that stands in a column of its own: that of most molecules."""
    floors = [Floor(int(f["n"]), f["metrics"]) for m in models for r in m.records if (f := r.get("floor"))]
    return max(floors, key=lambda floor: floor.n, default=None)


def examples(model: Model, count: int, seed: int) -> list[str]:
    """Random distinct valid draws, of all runs alike."""
    pool = list(dict.fromkeys(smiles for draws in model.draws for smiles in draws))
    order = numpy_generator(seed, "compare", model.name).permutation(len(pool))
    return [pool[i] for i in order[:count]]


def _model(name: str, files: Sequence[Path]) -> Model:
    records, draws, costs = [], [], []
    for file in files:
        beside = _beside(file)
        records.append(read_metrics(file))
        if samples := beside.get("samples"):
            draws.append(
                list(dict.fromkeys(tables.read(samples, columns=["smiles"])["smiles"].drop_null().to_pylist()))
            )
        jobs = {step: [path for kind, path in sorted(beside.items()) if kind.split(" ")[0] == step] for step in STEPS}
        costs.append({step: _cost(paths) for step, paths in jobs.items() if paths})
    return Model(name, records, draws, costs)


def _beside(file: Path) -> dict[str, Path]:
    """The files of a model: its metrics and, in the same run, its draws and benchmarks (`STEP`, or `STEP SHARD`)."""
    run, family = file.parent.parent, file.stem
    found = {"metrics": file}
    if file.parent.name != "metrics":
        return found
    if (samples := run / "samples" / f"{family}.parquet").is_file():
        found["samples"] = samples
    name = re.compile(rf"({'|'.join(STEPS)})\.{re.escape(family)}(?:\.(\d+-\d+))?\.tsv")
    for path in sorted(run.glob("benchmarks/*.tsv")):
        if match := name.fullmatch(path.name):
            found[" ".join(part for part in match.groups() if part)] = path
    return found


def _cost(files: Sequence[Path]) -> str:
    """Time and memory from the workflow's benchmark files, one a job, as text: all time, most memory of a job."""
    rows = [row for file in files if (row := _last_row(file)) is not None]
    if not rows:
        return ""
    seconds, memory = (
        [number for row in rows if (number := _number(row.get(c))) is not None] for c in ("s", "max_rss")
    )
    parts = [f"{sum(seconds) / 60:.1f} min" + (f" in {len(rows)} jobs" if len(rows) > 1 else "")] if seconds else []
    parts += [f"{max(memory) / 1024:.1f} GB"] if memory else []  # a job too short to be measured has none
    return ", ".join(parts)


def _last_row(file: Path) -> dict[str, str] | None:
    """Of several tries of a job the last."""
    with file.open(newline="", encoding="utf-8") as stream:
        return next(reversed(list(csv.DictReader(stream, delimiter="\t"))), None)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _write_csv(path: Path, models: Sequence[Model]) -> None:
    """A row a metric. A model has its value and interval; several runs their mean, deviation, and each its value."""
    floor = floor_of(models)
    rows: list[list[Any]] = [["metric", FLOOR], ["n", floor.n if floor else None]]
    for model in models:
        parts = ("low", "high") if len(model.records) == 1 else ("sd", *range(1, len(model.records) + 1))
        rows[0] += [model.name, *(f"{model.name} {part}" for part in parts)]
        each = [record["n"] for record in model.records]
        n = each[0] if len(set(each)) == 1 else fmean(each)
        rows[1] += [n, None, None] if len(each) == 1 else [n, None, *each]
    for metric in names_of(models):
        row = [metric, floor.metrics.get(metric) if floor else None]
        rows.append(row + [value for model in models for value in _csv_cells(model, metric)])
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["" if value is None else value for value in row] for row in rows])


def _csv_cells(model: Model, metric: str) -> list[Any]:
    cell = model.cell(metric)
    value, bounds, deviation, _ = cell or (None, None, None, 0)
    if len(model.records) == 1:
        return [value, *(bounds or (None, None))]
    return [value, deviation, *(record["metrics"].get(metric) for record in model.records)]
