"""`molgen compare`: the models of runs side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Seed, Set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Runs, or metrics files of `evaluate`; NAME=RUN: seeds of one name are one."
        ),
    ],
    out: Out,
    config: Config = None,
    set_: Set = None,
    seed: Seed = 0,
) -> None:
    """Put the models of runs side by side.

    One HTML page (metrics with intervals, property histograms, a map of chemical space, random examples, time and
    memory), and the metrics as a .csv beside it. `*` marks the best of a row. Places of one NAME are seeds of one
    model: their mean, with the standard deviation beside it.

    \b
    molgen compare results/demo --out compare.html
    molgen compare moses=results/seed0 moses=results/seed1 moses=results/seed2 --out seeds.html
    """
    from molgen.comparing import CompareSettings, best, floor_of, names_of
    from molgen.comparing import compare as run

    models = run(runs, out, CompareSettings.load(config, set_ or ()), seed=seed)
    floor = floor_of(models)
    several = any(len(model.records) > 1 for model in models)
    width = max(20 if several else 12, *(len(model.title) + 2 for model in models))
    print(f"{'':<18}{'training set':>14}" + "".join(f"{model.title:>{width}}" for model in models))
    drawn = (" and ".join(f"{n:,}" for n in model.drawn) for model in models)
    print(f"{'n':<18}{f'{floor.n:,}' if floor else '':>14}" + "".join(f"{text:>{width}}" for text in drawn))
    for metric in names_of(models):
        top, value = best(models, metric), floor.metrics.get(metric) if floor else None
        cells = []
        for model in models:
            found = model.cell(metric)
            spread = "" if found is None or found.deviation is None else f" ± {found.deviation:.4f}"
            mark = "*" if model.name in top else " "
            cells.append("- " if found is None else f"{found.value:.4f}{spread}{mark}")
        beside = "" if value is None else f"{value:.4f}"
        print(f"{metric:<18}{beside:>14}" + "".join(f"{cell:>{width}}" for cell in cells))
    print(f"wrote {out}")
    print(f"wrote {out.with_suffix('.csv')}")
