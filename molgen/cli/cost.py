"""`molgen cost`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def cost(
    run: Annotated[Path, typer.Argument(help="The folder of a run, results/RUN.")],
    cores: Annotated[int, typer.Option("--cores", min=1, help="Of one job, for the plan's side.")] = 16,
) -> None:
    """What a run has cost, stage by stage, beside what the plan would have said.

    \b
    molgen cost results/demo
    """
    from molgen.planning.plan import configuration, plan
    from molgen.planning.rates import used

    took = used(run)
    planned = {one.work.name: one for one in plan(configuration(run), cores=cores)}
    print("Measured by Snakemake (the last attempt of each job), beside the estimate of `molgen plan`.")
    print(f"{'stage':<24}{'jobs':>6}{'hours':>9}{'core h':>9}{'plan':>9}{'ratio':>8}{'memory':>10}{'plan':>10}")
    for name, one in took.items():
        guess = planned.get(name)
        hours = guess.core_hours if guess else None
        core = one.core_seconds / 3600
        ratio = f"{core / hours:.2f}" if hours else "-"
        memory = f"{guess.memory_mb:,.0f} MB" if guess and guess.memory_mb is not None else "-"
        print(
            f"{name:<24}{one.jobs:>6}{one.wall_seconds / 3600:>9.3f}{core:>9.3f}"
            f"{'-' if hours is None else f'{hours:.3f}':>9}{ratio:>8}{one.memory_mb:>7,.0f} MB{memory:>10}"
        )
    total = sum(one.core_seconds for one in took.values()) / 3600
    print(f"{'in all':<24}{'':>15}{total:>9.3f}")
