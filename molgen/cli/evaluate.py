"""`molgen evaluate`: measure samples against reference molecules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from molgen.cli.options import Config, Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def evaluate(
    generated: Annotated[Path, typer.Argument(metavar="FILE", help="Draws: .parquet of `molgen sample`, or .smi.")],
    reference: Annotated[str, typer.Option("--reference", help="Folder of `molgen prepare` to compare with.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    seed: Seed = 0,
    workers: Workers = 0,
) -> None:
    """Measure samples against reference molecules.

    Writes validity, uniqueness, novelty, diversity and distances to the held-out splits, with the property
    distributions behind them, to one JSON file. Every row counts as a draw, also those that failed.

    \b
    molgen evaluate samples.parquet --reference results/demo/molecules --out metrics.json
    """
    from molgen.evaluate.evaluate import EvaluateSettings
    from molgen.evaluate.evaluate import evaluate as run

    settings = EvaluateSettings.load(config, set_ or ())
    record = run(generated, reference, out, settings, seed=seed, workers=workers_or_all(workers))
    print(summary(record))
    print(f"wrote {out}")


def summary(record: dict[str, Any]) -> str:
    """The metrics as lines of text, with what could not be measured and why."""
    lines = [f"{'n':<14}{record['n']:>10,}"]
    for name, value in record["metrics"].items():
        lines.append(f"{name:<14}{'-' if value is None else format(value, '.4f'):>10}")
    lines += [f"{name}: not measured, {why}" for name, why in record["notes"].items()]
    lines += [f"{count:,} draws invalid: {reason}" for reason, count in record["counts"]["invalid"].items()]
    return "\n".join(lines)
