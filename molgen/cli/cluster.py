"""`molgen cluster`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, NameColumn, Out, Seed, Set, SmilesColumn, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def cluster(
    file: Annotated[Path, typer.Argument(help="Molecules: .smi, .csv, .tsv, .sdf, .parquet; also .gz or .zst.")],
    out: Out,
    method: Annotated[str | None, typer.Option("--method", help="butina, sphere or maxmin (butina).")] = None,
    similarity: Annotated[
        float | None, typer.Option("--similarity", help="Of a member to its centre, at least (0.65).")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", help="How many clusters, for maxmin (100).")] = None,
    smiles_column: SmilesColumn = None,
    name_column: NameColumn = None,
    config: Config = None,
    changes: Set = None,
    workers: Workers = 1,
    seed: Seed = 0,  # every verb takes one; nothing here is random
) -> None:
    """Group molecules by Tanimoto similarity of Morgan fingerprints; count their Murcko and generic scaffolds.

    \b
    molgen cluster library.smi --similarity 0.6 --out clusters.parquet
    molgen cluster library.smi --method maxmin --count 1000 --out diverse.parquet
    """
    from molgen.cluster import ClusterSettings
    from molgen.cluster import cluster as run
    from molgen.data.readers import Columns

    given = {"method": method, "similarity": similarity, "count": count}
    settings = ClusterSettings.load(
        config, [*(changes or []), *(f"{name}={value}" for name, value in given.items() if value is not None)]
    )
    found = run(
        file, out, settings=settings, columns=Columns(smiles_column, name_column), workers=workers_or_all(workers)
    )
    print(f"{out}: {found.molecules:,} molecules of {found.rows:,} rows in {found.clusters:,} clusters", end="")
    print(f"; {found.singletons:,} of one, the largest of {found.largest:,}")
    print(f"scaffolds: {found.murcko:,} Murcko, {found.generic:,} generic", end="")
    print(f"; {found.without_rings:,} molecules without rings")
    for scaffold, number in found.scaffolds:
        print(f"{number:>10,}  {scaffold}")
    for reason, number in found.reasons.items():
        print(f"{number:>10,}  {reason}")
