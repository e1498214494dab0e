"""`molgen steer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def steer(
    model: Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")],
    out: Out,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Draws at each weight (1000).")] = None,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="NAME=VALUE: a property to ask for; may be repeated.")
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option("--within", help="NAME=LOW:HIGH: what counts as met; either side may be left out."),
    ] = None,
    objective: Annotated[
        Path | None, typer.Option("--objective", help="An objective, whose properties are asked for instead.")
    ] = None,
    guidance: Annotated[
        list[float] | None, typer.Option("--guidance", help="Weight of the condition; may be repeated.")
    ] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, ...")] = "auto",
    set_: Set = None,
    workers: Workers = 0,
) -> None:
    """Ask a generator for properties, at several weights, and see what its draws have beside draws without a wish.

    \b
    Example:
      molgen steer smiles-moses --condition QED=0.93 --condition SA=2 --condition logP=2.5 \\
        --within QED=0.9: --within SA=:2.5 --within logP=2:3 --guidance 1 --guidance 2 --out steered.parquet
    """
    from molgen.core.errors import SettingsError
    from molgen.core.settings import Settings
    from molgen.steering import SteerSettings
    from molgen.steering import steer as run

    values = Settings.overrides([*(set_ or []), *(f"condition.{item}" for item in condition or [])])
    for item in within or []:
        name, _, bounds = item.partition("=")
        ends = bounds.split(":")
        if len(ends) != 2 or not name:
            raise SettingsError(f"--within {item!r}: expected NAME=LOW:HIGH, such as logP=2:3")
        values.setdefault("within", {})[name] = [end or None for end in ends]
    given = {"n": n, "objective": objective, "guidance": guidance}
    values |= {key: value for key, value in given.items() if value is not None}
    settings = SteerSettings.parse(values, where="steer")
    wishes = settings.wishes()
    found = run(model, out, settings, seed=seed, device=device, workers=workers_or_all(workers))
    print(f"{'guidance':<10}{'valid':>7}{'unique':>8}{'diverse':>9}{'met':>8}" + "".join(f"{n:>20}" for n in wishes))
    print(f"{'asked':<42}" + "".join(f"{wish.asked:>20.4g}" for wish in wishes.values()))
    for one in found:
        means = (f"{one.mean[name]:.4g} (off {one.error[name]:.3g})" for name in wishes)
        print(
            f"{f'{one.guidance:g}' if one.guidance else 'none':<10}{one.valid:>7.3f}{one.unique:>8.3f}"
            f"{one.diversity:>9.3f}{one.met:>8.3f}" + "".join(f"{text:>20}" for text in means)
        )
    print(f"draws: {out}")
