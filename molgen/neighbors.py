"""`neighbors`: the most similar molecules of a library, for one query or for each of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from pydantic import Field

from molgen.chem.tanimoto import Best, top
from molgen.core.artifacts import Identity, already_made, building, fingerprint
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.settings import Settings
from molgen.core.tables import NEIGHBORS, Writer
from molgen.data.index import Library
from molgen.data.printed import Printed, PrintSettings, molecule, print_rows, printed
from molgen.data.readers import FORMATS, Reader, Row
from molgen.data.streams import extension

NONE_NEAR = "no neighbour as similar as asked for"


class NeighborSettings(Settings):
    """What is asked of each query. `approximate` searches the library's graph, and may miss some."""

    k: int = Field(default=10, ge=1)
    min_similarity: float = Field(default=0, ge=0, le=1)
    approximate: bool = False
    expansion: int = Field(default=128, ge=1)  # molecules that an approximate search keeps in sight: more miss less


@dataclass
class Summary:
    """How many queries there were, how many have a neighbour, and why the others have none."""

    queries: int = 0
    answered: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class Queries:
    """The molecules to search for: a SMILES, or a file of any format that `prepare` reads.

    A single query that is no molecule is an InputError; in a file it is a row with the reason.
    """

    def __init__(self, query: str) -> None:
        self.query, path = query, Path(query)
        self.file = path if _is_file(path) or extension(path)[0] in FORMATS else None
        self.reader = Reader(self.file) if self.file else None
        if self.file is None and (reason := molecule(Row(1, query), blocks=False)[2]):
            raise InputError(f"query {query[:80]!r}: not a molecule ({reason}), and no such file")

    @property
    def damage(self) -> str | None:
        """What of the file could not be read, once it has been read."""
        return self.reader.damage if self.reader else None

    def identity(self) -> dict[str, str]:
        """The query as an input of an artifact."""
        return {"queries": fingerprint(self.file)} if self.file else {"query": self.query}

    def chunks(self, settings: PrintSettings, workers: int) -> Iterator[Printed]:
        """Fingerprints chunk by chunk."""
        if self.reader is not None:
            yield from printed(self.reader, settings, workers)
        else:
            yield print_rows([Row(1, self.query)], blocks=False, settings=settings)


def neighbors(
    queries: Queries, library: Library, out: Path, *, settings: NeighborSettings | None = None, workers: int = 1
) -> Summary | None:
    """Writes the neighbours of the queries to `out` (.parquet or .csv); None if that is there already.

    A query of a file that is no molecule has one row, with the reason. Of equally similar molecules the library's first
    comes first; `workers` do not change the result. A file that breaks off is a PartialError, raised when what could be
    read is written.
    """
    settings = settings or NeighborSettings()
    check_name(out)
    identity = Identity("neighbors", settings.values(), {"index": library.key, **queries.identity()})
    if already_made(out, identity):
        return None
    summary = Summary()
    with building(out, identity, workers=workers) as aside, _writer(aside, out.suffix) as writer:
        for table in search(queries, library, settings, workers, summary):
            writer.write(table)
    if damage := queries.damage or library.damage:
        raise PartialError(damage)
    return summary


def check_name(out: Path) -> None:
    """Refuses an output of another format, before an index is made for it."""
    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"{out}: --out must end in .parquet or .csv")


def search(
    queries: Queries, library: Library, settings: NeighborSettings, workers: int = 1, summary: Summary | None = None
) -> Iterator[pa.Table]:
    """Tables of neighbours, in the order of the queries, which are counted in `summary`."""
    summary, find = summary or Summary(), _finder(library, settings, workers)
    with progress("neighbors", None, "queries") as bar:
        for part in queries.chunks(library.settings, workers):
            there = part.there
            best = Best(np.full((len(there), settings.k), -1), np.zeros((len(there), settings.k), np.float32))
            if there.any():
                best.rows[there], best.similarity[there] = find(np.ascontiguousarray(part.prints[there]))
            table = _table(part, best, library, settings.min_similarity)
            reasons = table["reason"].drop_null().to_pylist()
            summary.queries += len(there)
            summary.answered += len(there) - len(reasons)
            summary.reasons.update(reasons)
            bar.advance(len(there))
            yield table


def _finder(library: Library, settings: NeighborSettings, workers: int) -> Any:
    if not settings.approximate:
        return lambda prints: top(prints, library.prints, settings.k, workers=workers)
    from molgen.data.graph import Graph  # usearch is imported where it is used

    graph = Graph(library, settings.expansion)
    return lambda prints: graph.top(prints, settings.k, workers=workers)


def _table(part: Printed, best: Best, library: Library, least: float) -> pa.Table:
    """A row for each neighbour; one without a neighbour for a query that has none."""
    found = (best.rows >= 0) & (best.similarity >= np.float32(least))
    none = ~found.any(axis=1)
    shown = found.copy()
    shown[:, 0] |= none
    query, place = np.nonzero(shown)
    missing = ~found[query, place]
    reasons = [reason or NONE_NEAR for reason in part.reasons]
    molecules = library.molecules.take(pa.array(best.rows[query, place], pa.int64(), mask=missing))
    columns = {
        "query": pa.array(part.smiles, pa.string()).take(pa.array(query)),
        "query_name": pa.array(part.names, pa.string()).take(pa.array(query)),
        "rank": pa.array(place + 1, pa.int64(), mask=missing),
        "similarity": pa.array(best.similarity[query, place], pa.float32(), mask=missing),
        **{name: molecules[name] for name in molecules.schema.names},
        "reason": pa.array(reasons, pa.string()).take(pa.array(query, mask=~missing)),
    }
    return pa.table([columns[name] for name in NEIGHBORS.names], NEIGHBORS.schema())


@contextmanager
def _writer(path: Path, suffix: str) -> Iterator[Any]:
    """Something with `write(table)`."""
    if suffix == ".parquet":
        with Writer(path, NEIGHBORS.schema(), NEIGHBORS) as writer:
            yield writer
        return
    with pyarrow.csv.CSVWriter(str(path), NEIGHBORS.schema()) as writer:
        yield writer


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a SMILES may be longer than a name can be
        return False
