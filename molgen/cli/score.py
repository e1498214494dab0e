"""`molgen score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
SHOWN = 8  # reasons for not passing


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="Molecules: .smi, .smi.gz, or .parquet with a column `smiles`.")],
    objective: Annotated[Path, typer.Option("--objective", help="YAML file of components, weights and filters.")],
    out: Out,
    workers: Workers = 1,
    seed: Seed = 0,  # every verb takes one; nothing here is random
) -> None:
    """Score molecules under an objective, with every value that led to the score.

    \b
    Each row of the input is kept, in order. A row without a molecule has NaN and the reason.
    \b
    molgen score samples.parquet --objective workflows/config/objectives/druglike.yaml --out scored.parquet
    """
    from molgen.scoring.objective import Objective
    from molgen.scoring.score import score as run

    summary = run(file, Objective.read(objective), out, workers=workers_or_all(workers))
    print(f"{out}: {summary.rows:,} rows, {summary.scored:,} scored, {summary.passed:,} passed the filters", end="")
    print(f"; best score {summary.best:.3f}" if summary.passed else "")
    for reason, count in list(summary.failed.items())[:SHOWN]:
        print(f"{count:>10,}  {reason}")
