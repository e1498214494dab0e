"""The best molecules so far, in bounded memory.

What is kept is the greedy choice under nested limits: each molecule once, at most so many of a scaffold, at most so
many in all, by score and then by canonical SMILES. The choice from a whole is the choice from the choices of its parts,
so it does not matter how a library was cut, nor in which order its parts arrive.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

ORDER = [("score", "descending"), ("smiles", "ascending"), ("place", "ascending")]
PENDING = 4_096  # rows that may wait besides those kept


class Best:
    """Keeps the best `limit` of the rows that are added (columns `score`, `smiles`, `scaffold`, `place` and others)."""

    def __init__(self, limit: int, per_scaffold: int | None = None) -> None:
        self.limit, self.per_scaffold = limit, per_scaffold
        self.floor = float("-inf")  # a row of a lower score cannot be among the best
        self._tables: list[pa.Table] = []
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        """Adds rows without NaN scores."""
        if rows.num_rows:
            self._tables.append(rows)
            self._rows += rows.num_rows
            if self._rows > self.limit + PENDING:
                self._reduce()

    def table(self) -> pa.Table | None:
        """The best, in their order; None if there was never a row."""
        self._reduce()
        return self._tables[0] if self._tables else None

    def _reduce(self) -> None:
        if not self._tables:
            return
        table = choose(pa.concat_tables(self._tables), self.limit, self.per_scaffold)
        self._tables, self._rows = [table], table.num_rows
        if table.num_rows == self.limit:
            self.floor = table["score"][-1].as_py()


def choose(rows: pa.Table, limit: int, per_scaffold: int | None) -> pa.Table:
    """The best `limit` molecules, each once and at most `per_scaffold` of a scaffold."""
    rows = rows.take(pc.sort_indices(rows, sort_keys=ORDER))
    taken: list[int] = []
    molecules: set[str] = set()
    scaffolds: Counter[str] = Counter()
    for row, (smiles, scaffold) in enumerate(
        zip(rows["smiles"].to_pylist(), rows["scaffold"].to_pylist(), strict=True)
    ):
        if smiles in molecules or (per_scaffold is not None and scaffolds[scaffold] >= per_scaffold):
            continue
        molecules.add(smiles)
        scaffolds[scaffold] += 1
        taken.append(row)
        if len(taken) == limit:
            break
    return rows.take(pa.array(taken, pa.int64())).combine_chunks()
