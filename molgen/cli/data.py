"""`molgen data`: list the named data sets and fetch one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True,
    help="List and fetch named data sets.",
)  # fmt: skip

Sources = Annotated[Path | None, typer.Option("--sources", help="YAML file with data sets of your own.")]


@app.command("list")
def list_(sources: Sources = None) -> None:
    """Lists the named data sets.

    \b
    molgen data list
    """
    from rich.console import Console
    from rich.table import Table

    from molgen.data.sources import data_sets

    table = Table("name", "rows", "splits", "licence", "source", "verified", box=None, header_style="bold")
    for name, chosen in data_sets(sources).items():
        first = next(iter(chosen.files.values())).sources[0]
        table.add_row(
            name,
            f"{chosen.rows:,}" if chosen.rows is not None else "?",
            ", ".join(chosen.files),
            chosen.licence,
            first.wheel or (first.url or str(first.path)).split("/")[2 if first.url else -1],
            "yes" if chosen.verified else "no",
        )
    console = Console()
    Console(width=console.width if console.is_terminal else 160).print(table)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a data set; `molgen data list` shows them.")],
    out: Out,
    sources: Sources = None,
) -> None:
    """Fetches a data set, checks its hashes and writes one .smi file a split.

    \b
    molgen data fetch moses --out data/moses
    """
    from molgen.data.fetch import fetch
    from molgen.data.sources import data_set

    fetch(name, out, own=sources)
    chosen = data_set(name, sources)
    for split in chosen.files:
        print(out / f"{split}.smi")
    print(f"licence: {chosen.licence}")
