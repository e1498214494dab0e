"""`molgen review`: serve the page on which chemists decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def review(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as results/demo.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but this machine's own needs the printed token.")
    ] = "127.0.0.1",
    readonly: Annotated[bool, typer.Option("--read-only", help="Show decisions, take none.")] = False,
    import_: Annotated[
        list[Path] | None,
        typer.Option("--import", metavar="FILE", help="Take in decisions of a mailed report, and end. Repeatable."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the decisions as JSON, and end.")
    ] = None,
    config: Config = None,
    set_: Set = None,
    workers: Workers = 0,
) -> None:
    """Serve the page on which chemists decide.

    Like, maybe, reject, with reasons and comments, by several reviewers at once. Every decision is an event in
    RUN/review/decisions.sqlite, which is only ever added to.

    \b
    molgen review results/demo
    molgen review results/demo --import decisions.json
    """
    from molgen.report.run import open_run
    from molgen.review.review import ReviewSettings, import_decisions, serve, write_decisions

    open_run(run)
    if import_:
        print(f"{import_decisions(run, import_):,} new decisions in {run}/review/decisions.sqlite")
    if save:
        print(f"wrote {save} ({write_decisions(run, save):,} events)")
    if not import_ and not save:
        settings = ReviewSettings.load(config, set_ or ())
        serve(run, settings, host=host, port=port, readonly=readonly, workers=workers_or_all(workers))
