"""`molgen prepare`: raw molecule files to a clean molecules table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def prepare(
    inputs: Annotated[list[Path], typer.Argument(help=".smi .csv .tsv .sdf .parquet; all but the last also .gz .zst.")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    split: Annotated[str | None, typer.Option(help="random, scaffold, column, or files (one file a split).")] = None,
    smiles_column: Annotated[str | None, typer.Option(help="Column that holds the SMILES.")] = None,
    name_column: Annotated[str | None, typer.Option(help="Column that holds the names.")] = None,
    properties: Annotated[bool | None, typer.Option(help="Compute the property columns or not.")] = None,
    sample: Annotated[int | None, typer.Option(help="Take a seeded subset of this many rows.")] = None,
    seed: Seed = 0,
    workers: Workers = 0,
) -> None:
    """Raw molecule files to a clean molecules table.

    Standardises, filters, removes repeats, computes properties and assigns splits. Rows that do not become a molecule
    are kept, with file, line and reason, in rejects.parquet.

    \b
    molgen prepare train.smi test.smi --split files --out prepared
    molgen prepare library.csv.gz --smiles-column structure --set max_heavy_atoms=40 --out prepared
    """
    import json

    from molgen.core.errors import PartialError
    from molgen.data.prepare import PrepareSettings, prepare

    options = {
        "split": split,
        "smiles_column": smiles_column,
        "name_column": name_column,
        "properties": properties,
        "sample": sample,
    }
    given = [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]
    settings = PrepareSettings.load(config, [*(set_ or ()), *given])
    try:
        prepare(inputs, out, settings, seed=seed, workers=workers_or_all(workers))
    except PartialError:
        _show(out)
        raise
    _show(out)


def _show(out: Path) -> None:
    import json

    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    print(f"{summary['molecules']:>11,} molecules of {summary['rows']:,} rows in {out}")
    for title, counts in (("split", summary["splits"]), ("rejected", summary["rejects"])):
        for name, count in counts.items():
            print(f"{count:>11,} {title}: {name}")
