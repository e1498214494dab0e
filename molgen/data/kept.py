"""What a `prepare` has cleaned so far, so that one which is killed goes on where it was.

A work folder holds blocks: files that appear whole, numbered, each with what became of some chunks, in order. One is
written about every quarter of a minute, so a kill costs no more than that and a short run writes none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from molgen.core.artifacts import whole_file
from molgen.core.tables import PROPERTIES
from molgen.data.clean import Chunk, Cleaned, digest

SECONDS = 15.0  # between blocks
TEXTS, NUMBERS = pa.list_(pa.string()), pa.list_(pa.int64())
SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("smiles", TEXTS),
        pa.field("names", TEXTS),
        pa.field("lines", NUMBERS),
        pa.field("splits", TEXTS),
        pa.field("formulas", pa.list_(TEXTS)),
        pa.field("sizes", NUMBERS),
        pa.field("properties", pa.list_(pa.float32())),  # row after row
        pa.field("reject_lines", NUMBERS),
        pa.field("reject_texts", pa.list_(TEXTS)),  # input, reason, detail
    ]
)


def going_on(
    folder: Path, chunks: Iterable[Chunk], work: Callable[[Iterable[Chunk]], Iterator[Cleaned]]
) -> Iterator[Cleaned]:
    """What becomes of each chunk, in order: from the folder as far as it holds them, from `work` for the others."""
    blocks = sorted(folder.glob("[0-9]*.parquet"))
    chunks = iter(chunks)
    for block in blocks:
        for row in pq.read_table(block, schema=SCHEMA).to_pylist():
            next(chunks)  # read once more, for what the readers count
            yield _cleaned(row)
    number, waiting, written = len(blocks), [], time.monotonic()
    for cleaned in work(chunks):
        waiting.append(_row(cleaned))
        if time.monotonic() - written > SECONDS:
            with whole_file(folder / f"{number:06}.parquet") as aside:
                pq.write_table(pa.Table.from_pylist(waiting, SCHEMA), aside)
            number, waiting, written = number + 1, [], time.monotonic()
        yield cleaned


def _row(cleaned: Cleaned) -> dict[str, Any]:
    row = {name: getattr(cleaned, name) for name in ("file", "smiles", "names", "lines", "splits", "sizes")}
    row |= {"formulas": [sorted(formula) for formula in cleaned.formulas], "properties": cleaned.properties.ravel()}
    lines, *texts = zip(*cleaned.rejects, strict=True) if cleaned.rejects else ((), (), (), ())
    return row | {"reject_lines": lines, "reject_texts": list(zip(*texts, strict=True))}


def _cleaned(row: dict[str, Any]) -> Cleaned:
    rejects = zip(row.pop("reject_lines"), row.pop("reject_texts"), strict=True)
    row["rejects"] = [(line, *texts) for line, texts in rejects]
    row["formulas"] = [frozenset(formula) for formula in row["formulas"]]
    row["properties"] = np.array(row["properties"], np.float32).reshape(-1, len(PROPERTIES))
    return Cleaned(**row, digests=[digest(smiles) for smiles in row["smiles"]])
