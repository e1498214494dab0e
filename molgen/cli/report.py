"""`molgen report`: write the page a chemist decides on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as results/demo.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    workers: Workers = 0,
) -> None:
    """Write the page a chemist decides on.

    One HTML file that needs no network: drawings with scores, filters, histograms, training curves, evaluation and
    provenance. candidates.sdf and candidates.csv appear beside it.

    \b
    molgen report results/demo --out results/demo/report.html
    """
    from molgen.report.report import ReportSettings
    from molgen.report.report import report as write

    written = write(run, out, ReportSettings.load(config, set_ or ()), workers=workers_or_all(workers))
    for sentence in written.gaps:
        print(f"missing: {sentence}")
    print(f"wrote {written.page} ({written.page.stat().st_size / 1e6:.1f} MB, {written.candidates:,} candidates)")
    print(f"wrote {written.sdf}")
    print(f"wrote {written.csv}")
