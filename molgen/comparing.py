"""The stage `compare`: the models of one or more runs side by side, as one page and one table.

What there is of a model: its metrics, and beside them in the run's folder its draws, and what training and sampling
took. Runs of one family with other seeds are given as several runs; each model stays a column of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from molgen import __version__
from molgen.core import tables
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, SettingsError
from molgen.core.seeds import numpy_generator
from molgen.core.settings import Settings
from molgen.evaluate.evaluate import read_metrics
from molgen.evaluate.further.names import FURTHER

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


@dataclass(frozen=True)
class Model:
    """A column: its metrics record, its distinct valid draws, and what its steps took, as lines of text."""

    name: str
    record: dict[str, Any]
    draws: list[str] = field(default_factory=list)
    costs: dict[str, str] = field(default_factory=dict)

    def cell(self, metric: str) -> tuple[float, tuple[float, float] | None] | None:
        """A metric's value and its interval, if any; None if it was not measured."""
        value = self.record["metrics"].get(metric)
        bounds = self.record.get("intervals", {}).get(metric)
        return None if value is None else (float(value), tuple(bounds) if bounds else None)


def compare(
    places: Sequence[Path], out: Path, settings: CompareSettings | None = None, *, seed: int = 0
) -> list[Model]:
    """Writes `out` (HTML) and the same table as `out` with .csv; returns the models.

    A place is a run's folder (all of `metrics/*.json`) or a metrics file of `evaluate`.
    """
    from molgen.report.comparison import page

    settings = settings or CompareSettings()
    if out.suffix != ".html":
        raise InputError(f"{out}: --out must end in .html")
    files = metrics_files(places)
    inputs = {f"{name}/{kind}": file for name, path in files.items() for kind, file in _beside(path).items()}
    identity = Identity.of("compare", {**settings.values(), "names": list(files), "molgen": __version__}, inputs, seed)
    models = [_model(name, file) for name, file in files.items()]
    table = out.with_suffix(".csv")
    if already_made(out, identity) and table.is_file():
        return models
    with building(out, identity) as aside:
        aside.write_text(page(models, settings, seed), encoding="utf-8")
        _write_csv(table, models)
    return models


def metrics_files(places: Sequence[Path]) -> dict[str, Path]:
    """Name -> metrics file of every model; names carry their run's where several runs are given."""
    found: dict[str, Path] = {}
    for place in places:
        files = [place] if place.is_file() else sorted(place.glob("metrics/*.json"))
        files = [file for file in files if not file.name.endswith("provenance.json")]
        if not files:
            raise InputError(f"{place}: holds no metrics/NAME.json; give runs or files that `molgen evaluate` made")
        for file in files:
            name = file.stem if len(places) == 1 or place.is_file() else f"{place.resolve().name}/{file.stem}"
            if name in found:
                raise SettingsError(f"{file}: a second model called {name!r}; rename the file or its run's folder")
            found[name] = file
    return found


def names_of(models: Sequence[Model]) -> list[str]:
    """The metrics that any of the models has, in the order of the first that has it."""
    return list(dict.fromkeys(name for model in models for name in model.record["metrics"]))


def best(models: Sequence[Model], metric: str) -> list[str]:
    """The names of the models with the best value of a metric; [] where all are equal, or no way is better."""
    further = FURTHER.get(metric)
    way = further.better if further else BETTER.get(metric.partition("/")[0])
    values = {model.name: cell[0] for model in models if (cell := model.cell(metric)) is not None}
    if not way or len(set(values.values())) < 2:
        return []
    top = max(values.values()) if way == "up" else min(values.values())
    return [name for name, value in values.items() if value == top]


def floors(models: Sequence[Model]) -> dict[str, float | None]:
    """The floor that stands in a column of its own: that of the first model that has one."""
    return next((model.record["floor"]["metrics"] for model in models if model.record.get("floor")), {})


def examples(model: Model, count: int, seed: int) -> list[str]:
    """Random distinct valid draws."""
    order = numpy_generator(seed, "compare", model.name).permutation(len(model.draws))
    return [model.draws[i] for i in order[:count]]


def _model(name: str, file: Path) -> Model:
    beside = _beside(file)
    draws: list[str] = []
    if samples := beside.get("samples"):
        draws = list(dict.fromkeys(tables.read(samples, columns=["smiles"])["smiles"].drop_null().to_pylist()))
    costs = {step: _cost(path) for step in STEPS if (path := beside.get(step)) is not None}
    return Model(name, read_metrics(file), draws, costs)


def _beside(file: Path) -> dict[str, Path]:
    """The files of a model: its metrics and, in the same run, its draws and benchmarks."""
    run, family = file.parent.parent, file.stem
    found = {"metrics": file, "samples": run / "samples" / f"{family}.parquet"}
    found |= {step: run / "benchmarks" / f"{step}.{family}.tsv" for step in STEPS}
    inside = file.parent.name == "metrics"
    return {kind: path for kind, path in found.items() if path == file or (inside and path.is_file())}


def _cost(file: Path) -> str:
    """Time and memory from a benchmark file of the workflow, as text; of several tries the last."""
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if not rows:
        return ""
    seconds, memory = rows[-1].get("s", ""), rows[-1].get("max_rss", "")
    parts = []
    try:
        parts.append(f"{float(seconds) / 60:.1f} min")
        parts.append(f"{float(memory) / 1024:.1f} GB")
    except ValueError:  # a job too short to be measured has no memory
        pass
    return ", ".join(parts)


def _write_csv(path: Path, models: Sequence[Model]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["metric", FLOOR, *(c for m in models for c in (m.name, f"{m.name} low", f"{m.name} high"))])
        writer.writerow(["n", "", *(c for m in models for c in (m.record["n"], "", ""))])
        floor = floors(models)
        for metric in names_of(models):
            row: list[Any] = [metric, floor.get(metric)]
            for model in models:
                cell = model.cell(metric)
                row += [None, None, None] if cell is None else [cell[0], *(cell[1] or (None, None))]
            writer.writerow(["" if value is None else value for value in row])
