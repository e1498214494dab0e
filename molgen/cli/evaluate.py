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
    reference: Annotated[
        str, typer.Option("--reference", help="Folder of `prepare` or `data fetch`, or a data set's name.")
    ],
    out: Out,
    config: Config = None,
    set_: Set = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The model of the draws: likelihoods of the splits, too.")
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--other", help="Molecules of another kind, for --model to tell apart.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = 0,
) -> None:
    """Measure samples against reference molecules.

    Writes validity, uniqueness, novelty, diversity and distances to the held-out splits, with the property
    distributions behind them, to one JSON file. Every row counts as a draw, also those that failed.

    \b
    molgen evaluate samples.parquet --reference results/demo/molecules --out metrics.json
    molgen evaluate samples.parquet --reference moses --out metrics.json --set further=all --model smiles-moses
    """
    from molgen.evaluate.evaluate import EvaluateSettings
    from molgen.evaluate.evaluate import evaluate as run

    settings = EvaluateSettings.load(config, set_ or ())
    record = run(
        generated, reference, out, settings, model=model, other=other, seed=seed, workers=workers_or_all(workers)
    )
    print(summary(record))
    print(f"wrote {out}")


def summary(record: dict[str, Any]) -> str:
    """The metrics as lines of text, with what could not be measured and why."""
    from molgen.evaluate.intervals import FEWEST

    floor = record.get("floor") or {"n": 0, "metrics": {}}
    bounds = record.get("intervals", {})
    test = record.get("further", {}).get("beside", {}).get("test", {})
    heads = "training set" if floor["n"] else "", "test split" if test else ""
    lines = [_line("", "draws", "95 % interval", *heads)]
    lines.append(_line("n", f"{record['n']:,}", "", f"{floor['n']:,}" if floor["n"] else ""))
    for name, value in record["metrics"].items():
        spread = "{:.4f} to {:.4f}".format(*bounds[name]) if name in bounds else ""
        beside = [_number(found.get(name), "") for found in (floor["metrics"], test)]
        lines.append(_line(name, _number(value), spread, *beside))
    said: dict[str, list[str]] = {}
    for name, why in record["notes"].items():
        there = record["metrics"].get(name) is not None
        said.setdefault(why if there else f"not measured, {why}", []).append(name)
    lines += [f"{', '.join(names)}: {why}" for why, names in said.items()]
    counts = record["counts"]
    if 0 < counts.get("valid", FEWEST) < FEWEST:
        lines.append(f"intervals: of fewer than {FEWEST} draws, or valid draws, there are none")
    if "valid_strict" in counts:  # not in a file that an earlier version made
        lines.append(
            "valid: {valid_strict:,} of {drawn:,} strictly, {valid_literature:,} as the literature counts; apart: "
            "{several_fragments:,} of several fragments, {repaired:,} repaired".format(**counts)
        )
    if repeats := counts.get("repeats"):
        often = "".join(f"; {smiles} {n:,} times" for smiles, n in list(counts["most_repeated"].items())[:1])
        lines.append(f"{repeats:,} of {counts['valid']:,} valid draws repeat an earlier one{often}")
    lines += [f"{count:,} draws invalid: {reason}" for reason, count in record["counts"]["invalid"].items()]
    return "\n".join(lines)


def _line(name: str, value: str, spread: str, floor: str, test: str = "") -> str:
    return f"{name:<20}{value:>10}  {spread:<22}{floor:>12}{test:>12}".rstrip()


def _number(value: float | None, nothing: str = "-") -> str:
    return nothing if value is None else format(value, ".4f")
