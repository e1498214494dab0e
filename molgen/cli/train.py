"""`molgen train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def train(
    family: Annotated[str, typer.Argument(help="What to train; `molgen models list` names the families.")],
    features: Annotated[Path, typer.Option("--features", help="Feature store, from `molgen featurize`.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", min=0, help="Stop with a checkpoint after this time (exit code 75)."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", envvar="MOLGEN_STATE", help="Folder for the unfinished run; beside --out otherwise."),
    ] = None,
    devices: Annotated[int, typer.Option("--devices", min=0, help="GPUs, or processes on a CPU; 0: one CPU.")] = 1,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Machines, when launched by srun.")] = 1,
    strategy: Annotated[str, typer.Option("--strategy", help="Lightning Fabric's strategy, e.g. ddp.")] = "auto",
    accelerator: Annotated[str, typer.Option("--accelerator", help="auto, cpu or gpu.")] = "auto",
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the network first (torch.compile).")] = False,
) -> None:
    """Train a generator on a feature store.

    The same command goes on where a stopped one was. Settings: `model.KEY` of the family, `training.KEY` of the loop.

    \b
    Example:
      molgen train smiles --features features --out models/smiles --set training.molecules=200000
    """
    from molgen.training.settings import RunSettings
    from molgen.training.train import train as run

    last = run(
        family,
        features,
        out,
        RunSettings.load(config, set_ or []),
        devices=max(devices, 1),
        nodes=nodes,
        strategy=strategy,
        accelerator="cpu" if devices == 0 else accelerator,
        max_minutes=max_minutes,
        state=state,
        compiled=compiled,
    )
    for split, row in last.items():
        loss = f"loss {float(row['loss']):.4f} after " if row["loss"] else ""
        print(f"{split:<6} {loss}{int(row['molecules']):,} molecules")
    if last:  # the first process of several
        print(f"model: {out}")
