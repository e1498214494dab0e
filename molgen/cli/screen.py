"""`molgen screen`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from molgen.cli.options import Config, Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
SHOWN = 8  # reasons for not passing, or for being rejected
BAR = 40  # characters of the histogram's longest bar


@app.command()
def screen(
    inputs: Annotated[list[Path], typer.Argument(help=".smi .csv .tsv .sdf .parquet; all but the last also .gz .zst.")],
    out: Out,
    objective: Annotated[Path | None, typer.Option("--objective", help="YAML file of components and filters.")] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="How many to keep; 1000 unless given.")] = None,
    diversity: Annotated[str | None, typer.Option("--diversity", help="none, scaffold or leader.")] = None,
    full_table: Annotated[bool, typer.Option("--all", help="Also write a table of the whole library.")] = False,
    smiles_column: Annotated[str | None, typer.Option(help="Column that holds the SMILES.")] = None,
    name_column: Annotated[str | None, typer.Option(help="Column that holds the names.")] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Do one of N parts of the library.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="The inputs are the finished shards of a library.")] = False,
    config: Config = None,
    set_: Set = None,
    workers: Workers = 0,
    seed: Seed = 0,  # every verb takes one; nothing here is random
) -> None:
    """Find the best molecules of a library of any size, with every value that led to their scores.

    \b
    Duplicates are counted once. A run that was stopped or killed goes on where it was: give the same command again.
    \b
    molgen screen library/*.smi.gz --objective druglike.yaml --top 1000 --out screened
    molgen screen library.smi --objective druglike.yaml --shard 3/100 --out shards/3
    molgen screen shards/* --merge --out screened
    """
    import json

    from molgen.core.errors import PartialError

    options = {"diversity": diversity, "smiles_column": smiles_column, "name_column": name_column}
    given = [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]
    given += ["full_table=true"] if full_table else []
    changes = [*(set_ or ()), *given]
    try:
        if merge:
            _merge(inputs, out, given=bool(objective or top or shard or config or changes))
        else:
            _screen(inputs, objective, out, top or 1000, config, changes, shard, workers_or_all(workers))
    except PartialError:
        _show(out)
        raise
    _show(out)


def _merge(folders: list[Path], out: Path, *, given: bool) -> None:
    from molgen.core.errors import InputError
    from molgen.screening.merge import merge

    if given:
        raise InputError("--merge: objective, top and settings are those of the shards; take these options away")
    merge(folders, out)


def _screen(
    inputs: list[Path], objective: Path | None, out: Path, top: int, config: Path | None, changes: list[str],
    shard: str | None, workers: int,
) -> None:  # fmt: skip
    from molgen.core.errors import InputError
    from molgen.data.library import Shard
    from molgen.scoring.objective import Objective
    from molgen.screening.screen import ScreenSettings, screen

    if objective is None:
        raise InputError("screen: --objective is missing; name the YAML file of an objective")
    settings = ScreenSettings.load(config, changes)
    chosen = Shard.parse(shard) if shard else None
    screen(inputs, Objective.read(objective), out, top=top, settings=settings, shard=chosen, workers=workers)


def _show(out: Path) -> None:
    import json

    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    print(f"{summary['read']:>13,} rows read, {summary['valid']:,} of them molecules, {summary['distinct']:,} distinct")
    print(f"{summary['distinct_passed']:>13,} passed the filters")
    best = f", the best {summary['best']:.4f}" if summary["best"] is not None else ""
    print(f"{summary['candidates']:>13,} kept in {out}{best}")
    for title in ("failed", "rejects"):
        for reason, count in list(summary[title].items())[:SHOWN]:
            print(f"{count:>13,} {'failed' if title == 'failed' else 'rejected'}: {reason}")
    _show_histogram(summary["histogram"]["distinct_passed"])


def _show_histogram(counts: list[int]) -> None:
    """The scores of what passed, in ten bars."""
    width = len(counts) // 10
    tens: list[Any] = [sum(counts[start : start + width]) for start in range(0, len(counts), width)]
    if any(tens):
        print("        score")
        for place, count in enumerate(tens):
            print(f"{place / 10:>8.1f}-{(place + 1) / 10:.1f} {count:>12,} {'#' * -(-BAR * count // max(tens))}")
