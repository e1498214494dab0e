"""`molgen rank`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def rank(
    files: Annotated[list[Path], typer.Argument(help="Scored tables, all of one objective.")],
    out: Out,
    top: Annotated[int, typer.Option("--top", min=1, help="How many candidates.")] = 100,
    diversity: Annotated[str | None, typer.Option("--diversity", help="none, maxmin, cluster or pareto.")] = None,
    exclude: Annotated[
        list[Path] | None, typer.Option("--exclude", help="Known molecules to leave out: table, .smi, prepared folder.")
    ] = None,
    config: Config = None,
    changes: Set = None,
    workers: Workers = 1,
    seed: Seed = 0,  # every verb takes one; nothing here is random
) -> None:
    """Pick the best candidates of one or several scored tables, each molecule once.

    \b
    molgen rank scored.parquet --top 100 --out candidates.parquet
    molgen rank a.parquet b.parquet --top 50 --diversity cluster --exclude molecules/ --out candidates.parquet
    """
    from molgen.rank import RankSettings
    from molgen.rank import rank as run

    settings = RankSettings.load(config, [*(changes or []), *([f"diversity={diversity}"] if diversity else [])])
    summary = run(files, out, top=top, settings=settings, exclude=exclude or [], workers=workers_or_all(workers))
    if summary is None:
        print(f"{out}: already made")
        return
    print(f"{out}: {summary.candidates:,} candidates of {summary.distinct:,} distinct molecules", end="")
    print(f" ({summary.passed:,} of {summary.rows:,} rows passed, {summary.excluded:,} molecules were known)")
    if summary.candidates < top:
        print(f"fewer than the {top:,} asked for: all there are")
