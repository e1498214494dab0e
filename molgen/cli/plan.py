"""`molgen plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from molgen.planning.plan import Estimate

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
    titles = ("stage", "molecules", "jobs", "core h", "GPU h", "hours", "memory", "disk")
    rows = [titles, *(_row(one) for one in estimates)]
    core = sum(one.core_hours or 0 for one in estimates)
    gpu = sum(one.gpu_hours or 0 for one in estimates) or None
    disk = sum(one.disk_bytes or 0 for one in estimates)
    rows.append(("in all", "", "", _hours(core), _hours(gpu), "", "", _size(disk)))
    for name, *others in rows:
        print(f"{name:<24}{others[0]:>13}{others[1]:>6}" + "".join(f"{text:>10}" for text in others[2:]))
    unknown = [_unknown(one) for one in estimates if one.seconds is None]
    if unknown:
        print(f"Not measured by us: {'; '.join(unknown)}. A short run of yours gives the rates: --like results/RUN")
    print(f"\nWhat to ask Slurm for, with a margin, {cores} cores a job (into the profile):")
    print(yaml.safe_dump({"set-resources": requests(estimates)}, sort_keys=False), end="")


def _row(one: Estimate) -> tuple[str, ...]:
    hours = (_hours(value) for value in (one.core_hours, one.gpu_hours, one.wall_hours))
    memory = one.memory_mb * 1e6 if one.memory_mb is not None else None
    return (one.work.name, f"{one.work.units:,}", f"{one.work.jobs}", *hours, _size(memory), _size(one.disk_bytes))


def _unknown(one: Estimate) -> str:
    cpu = f" ({one.without_gpu:,.1f} core hours on a CPU)" if one.without_gpu is not None else ""
    return f"{one.work.name}{' on a GPU' if one.work.gpus else ''}{cpu}"


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _size(value: float | None) -> str:
    if not value:
        return "-"
    return f"{value / 1e9:,.1f} GB" if value >= 1e8 else f"{value / 1e6:,.1f} MB"
