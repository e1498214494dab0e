"""`molgen neighbors`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molgen.cli.options import Config, NameColumn, Seed, Set, SmilesColumn, Workers, workers_or_all

if TYPE_CHECKING:
    import pyarrow as pa

    from molgen.data.index import Library
    from molgen.neighbors import NeighborSettings, Queries, Summary

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def neighbors(
    query: Annotated[str, typer.Argument(help="A SMILES, or a file of molecules.", metavar="QUERY")],
    library: Annotated[
        Path, typer.Option("--library", help="A file of molecules, a prepared folder, or an index made before.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write (.parquet or .csv); printed if none is named.")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="Neighbours of each query (10).")] = None,
    approximate: Annotated[bool, typer.Option("--approximate", help="Search a graph: faster, may miss some.")] = False,
    index: Annotated[
        Path | None, typer.Option("--index", help="Where the library's index is, or is made; LIBRARY.index if none.")
    ] = None,
    radius: Annotated[int | None, typer.Option("--radius", help="Of the Morgan fingerprint: 2 is ECFP4 (2).")] = None,
    bits: Annotated[int | None, typer.Option("--bits", help="Of the fingerprint (2048).")] = None,
    smiles_column: SmilesColumn = None,
    name_column: NameColumn = None,
    config: Config = None,
    changes: Set = None,
    workers: Workers = 1,
    seed: Seed = 0,  # every verb takes one; nothing here is random
) -> None:
    """The most similar molecules of a library, by Tanimoto similarity of Morgan fingerprints.

    \b
    The library's index is made at the first search and opened as a memory map from then on.
    \b
    molgen neighbors 'CC(=O)Nc1ccc(O)cc1' --library library.smi.gz
    molgen neighbors hits.smi --library library.smi.gz.index --k 5 --out neighbors.parquet
    """
    from molgen.core.errors import PartialError
    from molgen.data.index import open_library
    from molgen.data.readers import Columns
    from molgen.neighbors import NeighborSettings, Queries, check_name
    from molgen.neighbors import neighbors as run

    given = [*(changes or []), *([f"k={k}"] if k else []), *(["approximate=true"] if approximate else [])]
    settings, processes = NeighborSettings.load(config, given), workers_or_all(workers)
    asked = Queries(query)
    if out is not None:
        check_name(out)
    opened = open_library(
        library,
        index=index,
        radius=radius,
        bits=bits,
        columns=Columns(smiles_column, name_column),
        workers=processes,
    )
    if skipped := opened.header["rows"] - len(opened):
        print(f"molgen: {opened.folder}: {skipped:,} rows of the library are no molecules", file=sys.stderr)
    if out is None:
        summary: Summary | None = _print_all(asked, opened, settings, processes)
    else:
        summary = run(asked, opened, out, settings=settings, workers=processes)
        print(f"{out}: {_outcome(summary, len(opened))}")
    for reason, count in summary.reasons.most_common() if summary and asked.file else ():
        print(f"{count:>10,}  {reason}")
    if out is None and (damage := asked.damage or opened.damage):
        raise PartialError(damage)


def _outcome(summary: Summary | None, molecules: int) -> str:
    """What came of the queries; no summary if the table was there."""
    if not summary:
        return "already made"
    return f"{summary.answered:,} of {summary.queries:,} queries have neighbours among {molecules:,} molecules"


def _print_all(asked: Queries, library: Library, settings: NeighborSettings, workers: int) -> Summary:
    """Searches and prints as it goes."""
    from molgen.neighbors import Summary, search

    summary = Summary()
    for table in search(asked, library, settings, workers, summary):
        _print(table, heading=asked.file is not None)
    return summary


def _print(table: pa.Table, *, heading: bool) -> None:
    """Neighbours as lines: rank, similarity, SMILES, name; under its query where there are several."""
    for row in table.to_pylist():
        if heading and row["rank"] in (1, None):
            print(f"{row['query']}  {row['query_name'] or ''}".rstrip())
        if row["rank"] is None:
            print(f"        {row['reason']}")
        else:
            print(f"{row['rank']:>6}  {row['similarity']:.3f}  {row['smiles']}  {row['name'] or ''}".rstrip())
