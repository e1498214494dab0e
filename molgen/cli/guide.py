"""`molgen guide`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def guide(
    model: Annotated[str, typer.Argument(help="A graph-diffusion model: folder, or name of a shipped one.")],
    features: Annotated[Path, typer.Option("--features", help="Feature store, from `molgen featurize`.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", min=0, help="Stop with a checkpoint after this time (exit code 75)."),
    ] = None,
    devices: Annotated[int, typer.Option("--devices", min=0, help="GPUs, or processes on a CPU; 0: one CPU.")] = 1,
) -> None:
    """Train a predictor of properties on a model's noisy graphs, which then guides that model's draws.

    The same command goes on where a stopped one was. Settings: `model.KEY` of the guide, `training.KEY` of the loop.

    \b
    Example:
      molgen guide models/graphs --features features --out models/guide --set model.properties='[logP, QED]'
      molgen sample models/graphs --n 100 --out d.parquet --set predictor=models/guide --condition logP=2.5 --guidance 2
    """
    from molgen.training.settings import RunSettings
    from molgen.training.train import train

    settings = RunSettings.load(config, set_ or []).model_copy(update={"start": model})
    accelerator = "cpu" if devices == 0 else "auto"
    last = train(
        "graph-diffusion-guide",
        features,
        out,
        settings,
        devices=max(devices, 1),
        accelerator=accelerator,
        max_minutes=max_minutes,
    )
    for split, row in last.items():
        errors = {name: float(row[name]) for name in row if name not in ("molecules", "split", "loss", "rate")}
        print(f"{split:<6} after {int(row['molecules']):,} molecules, share of the variance that stays unexplained:")
        print("       " + "  ".join(f"{name} {value:.3f}" for name, value in errors.items()))
    if last:  # the first process of several
        print(f"guide: {out}")
