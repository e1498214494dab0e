"""`molgen plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="A configuration of the workflow.")],
    cores: Annotated[int, typer.Option("--cores", min=1, help="Of one job; the rules ask for up to 16.")] = 16,
    like: Annotated[
        Path | None, typer.Option("--like", help="A run of yours (results/RUN) whose rates are taken.")
    ] = None,
) -> None:
    """What a run will cost, stage by stage, before it runs: estimates from measured rates.

    \b
    molgen plan workflows/config/moses.yaml
    molgen plan workflows/config/moses.yaml --like results/demo --cores 32
    """
    import yaml

    from molgen.planning.plan import plan as run
    from molgen.planning.plan import requests

    estimates = run(config, cores=cores, like=like)
    print(f"Estimates, from rates measured {f'in {like}' if like else 'on our machine'}; queues not counted.")
    print(f"{'stage':<24}{'molecules':>13}{'jobs':>6}{'core h':>9}{'GPU h':>8}{'hours':>8}{'memory':>9}{'disk':>9}")
    unknown = []
    for one in estimates:
        hours = [_hours(one.core_hours), _hours(one.gpu_hours), _hours(one.wall_hours)]
        memory, disk = (_size(one.memory_mb and one.memory_mb * 1e6), _size(one.disk_bytes))
        print(f"{one.work.name:<24}{one.work.units:>13,}{one.work.jobs:>6}{hours[0]:>9}{hours[1]:>8}{hours[2]:>8}{memory:>9}{disk:>9}")
        if one.seconds is None:
            cpu = f" ({one.without_gpu:,.1f} core hours on a CPU)" if one.without_gpu is not None else ""
            unknown.append(f"{one.work.name}{' on a GPU' if one.work.gpus else ''}{cpu}")
    core = sum(one.core_hours or 0 for one in estimates)
    gpu = sum(one.gpu_hours or 0 for one in estimates)
    print(f"{'in all':<24}{'':>19}{_hours(core):>9}{_hours(gpu or None):>8}{'':>17}{_size(sum(e.disk_bytes or 0 for e in estimates)):>9}")
    if unknown:
        print(f"Not measured by us: {'; '.join(unknown)}. A short run of yours gives the rates: --like results/RUN")
    print(f"\nWhat to ask Slurm for, with a margin, {cores} cores a job (into the profile):")
    print(yaml.safe_dump({"set-resources": requests(estimates)}, sort_keys=False), end="")


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _size(value: float | None) -> str:
    if not value:
        return "-"
    return f"{value / 1e9:,.1f} GB" if value >= 1e8 else f"{value / 1e6:,.1f} MB"
