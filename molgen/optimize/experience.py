"""The experience of a search: each distinct molecule that was scored, in the order of the calls, on disk at once.

A line of JSON a call. A line that a kill tore is dropped when the log is opened again. What is there is never scored
twice: a resumed search that asks for it again gets the value that stands here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from molgen.core.tables import SCORED, Writer

FAILED_FILTER = 0.1  # what each failed filter leaves of a value: worse than passing, and yet a way to go


class Experience:
    """The log of a search, open for more."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.rows: list[dict[str, Any]] = []
        if file.exists():
            text = file.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]
            self.rows = [json.loads(line) for line in whole.splitlines()]
            if len(whole) < len(text):
                file.write_text(whole, encoding="utf-8")
        self._places = {row["smiles"]: place for place, row in enumerate(self.rows)}

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, smiles: str) -> bool:
        return smiles in self._places

    def place(self, smiles: str) -> int:
        """The number of the call, from 0, that scored a molecule."""
        return self._places[smiles]

    def row(self, smiles: str) -> dict[str, Any]:
        """What is known of a molecule that was scored."""
        return self.rows[self._places[smiles]]

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Appends calls, and makes sure that they are on disk."""
        new = list(rows)
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write("".join(json.dumps(_finite(row)) + "\n" for row in new))
        for row in new:
            self._places[row["smiles"]] = len(self.rows)
            self.rows.append(_finite(row))

    def forget(self, count: int) -> None:
        """Takes the last `count` calls back: they gave no value because the scorer is broken."""
        self.rows = self.rows[: len(self.rows) - count]
        self._places = {row["smiles"]: place for place, row in enumerate(self.rows)}
        text = "".join(json.dumps(row) + "\n" for row in self.rows)
        self._file.write_text(text, encoding="utf-8")

    def scores(self, *, passed: bool = False) -> np.ndarray:
        """The score of each call, float64 (calls,), 0 where there is none; with `passed`, 0 where a filter failed."""
        return np.array([(r["score"] or 0.0) if r["passed"] or not passed else 0.0 for r in self.rows], np.float64)

    def write(self, file: Path, columns: Sequence[str], judged: Sequence[str], calls: Sequence[int]) -> None:
        """The table of some calls, numbered from 0 here: a scored table with the column `call`, from 1."""
        extra: dict[str, pa.DataType] = {"call": pa.int64()}
        for name in columns:
            extra[name] = pa.float64()
            if name in judged:
                extra[f"{name}.desirability"] = pa.float64()
        schema = SCORED.schema(extra | {"alerts": pa.string()})
        data = {name: [self.rows[call].get(name) for call in calls] for name in schema.names}
        data["call"] = [call + 1 for call in calls]
        nan = float("nan")
        for field in schema:
            if field.type == pa.float64():
                data[field.name] = [nan if value is None else value for value in data[field.name]]
        with Writer(file, schema, SCORED) as writer:
            writer.write(data)


def value_of(row: Mapping[str, Any]) -> float:
    """What a strategy is told: the score, a tenth of it for each failed filter; 0 where there is no score."""
    if row["score"] is None or row["score"] != row["score"]:
        return 0.0
    failed = 0 if row["passed"] else row["failed"].count("; ") + 1
    return float(row["score"]) * FAILED_FILTER**failed


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
