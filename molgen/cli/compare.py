"""`molgen compare`: the models of runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Seed, Set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs, or metrics files of `evaluate`.")
    ],
    out: Out,
    config: Config = None,
    set_: Set = None,
    seed: Seed = 0,
) -> None:
    """Put the models of runs side by side.

    One HTML page (metrics with intervals, property histograms, a map of chemical space, random examples, time and
    memory), and the metrics as a .csv beside it. `*` marks the best of a row.

    \b
    molgen compare results/demo --out compare.html
    """
    from molgen.comparing import CompareSettings, best, floors, names_of
    from molgen.comparing import compare as run

    models = run(runs, out, CompareSettings.load(config, set_ or ()), seed=seed)
    floor = floors(models)
    width = max(12, *(len(model.name) + 2 for model in models))
    print(f"{'':<18}{'training set':>14}" + "".join(f"{model.name:>{width}}" for model in models))
    print(f"{'n':<18}{'':>14}" + "".join(f"{model.record['n']:>{width},}" for model in models))
    for metric in names_of(models):
        top, value = best(models, metric), floor.get(metric)
        cells = []
        for model in models:
            found = model.cell(metric)
            cells.append("-" if found is None else f"{found[0]:.4f}{'*' if model.name in top else ' '}")
        beside = "" if value is None else f"{value:.4f}"
        print(f"{metric:<18}{beside:>14}" + "".join(f"{cell:>{width}}" for cell in cells))
    print(f"wrote {out}")
    print(f"wrote {out.with_suffix('.csv')}")
