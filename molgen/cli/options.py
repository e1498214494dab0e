"""Options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Where to write; appears only when whole.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Workers = Annotated[
    int, typer.Option("--workers", min=0, help="Processes; 0 takes every core. The result does not depend on it.")
]
Config = Annotated[Path | None, typer.Option("--config", help="YAML file of settings.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated.")
]
SmilesColumn = Annotated[
    str | None, typer.Option("--smiles-column", help="Column of the SMILES, where its name is not a usual one.")
]
NameColumn = Annotated[str | None, typer.Option("--name-column", help="Column of the names.")]


def workers_or_all(workers: int) -> int:
    """The number asked for, or every core for 0."""
    from molgen.core.workers import available_cores

    return workers or available_cores()
