"""What the server answers to a question of the page: JSON values in, JSON values or a file out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from molgen.report.exports import MOST_DRAWN, Row, csv_text, rows_of, sdf_text, smiles_text, xlsx_bytes
from molgen.review.events import Events, Opinion, opinions, read_events
from molgen.review.library import Library

MOST_PICTURES = 300  # a request
MOST_EVENTS = 1_000
MAKERS: dict[str, tuple[str, Callable[[list[Row]], str | bytes]]] = {
    "csv": ("text/csv", csv_text),
    "smi": ("text/plain", smiles_text),
    "sdf": ("chemical/x-mdl-sdfile", sdf_text),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_bytes),
}
Body = dict[str, Any]


class Refused(Exception):  # noqa: N818 (an answer to a client, not a failure)
    """A request that cannot be answered: status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Answers:
    """One method a question. `Refused` or an InputError says why there is no answer."""

    library: Library
    events: Events
    readonly: bool = False

    def pictures(self, body: Body) -> Body:
        """Drawings of some rows, with the atoms that match a query."""
        rows = self._rows(body.get("rows"), MOST_PICTURES)
        found = self.library.pictures(rows, aligned=body.get("aligned") is True, query=_text(body, "query"))
        return {"pictures": found}

    def substructure(self, body: Body) -> Body:
        """The rows that have a structure."""
        return {"rows": self.library.substructure(_text(body, "query"))}

    def similar(self, body: Body) -> Body:
        """The similarity of every row to a molecule."""
        return {"similarity": self.library.similar(_text(body, "smiles"))}

    def molecule(self, row: str) -> Body:
        """What is shown of one candidate alone."""
        (place,) = self._rows([int(row)], 1)
        return self.library.molecule(place)

    def said(self, after: str) -> Body:
        """The events behind a number."""
        if not after.isdecimal():
            raise Refused(400, "after: a whole number is expected")
        return {"events": self.events.after(int(after))}

    def say(self, body: Body) -> Body:
        """Keeps what a reviewer said on the page; how many events were new."""
        return self._keep(body, "page", MOST_EVENTS)

    def take(self, body: Body) -> Body:
        """Keeps the events of a decisions file, of which there may be many."""
        return self._keep(body, "import", None)

    def _keep(self, body: Body, origin: str, most: int | None) -> Body:
        if self.readonly:
            raise Refused(403, "this review is read-only")
        found = read_events(body, "request")
        if most is not None and len(found) > most:
            raise Refused(413, f"more than {most:,} events at once")
        return {"added": self.events.add(found, origin)}

    def export(self, body: Body) -> Response:
        """Some rows as a file: all that is known, or (`brief`) some columns alone."""
        kind, brief = _text(body, "format"), body.get("brief") is True
        if kind not in MAKERS:
            raise Refused(400, f"format: one of {', '.join(MAKERS)} is expected")
        places = self._rows(body.get("rows"), len(self.library.smiles))
        if kind == "xlsx" and len(places) > MOST_DRAWN:
            raise Refused(413, f"XLSX with drawings holds at most {MOST_DRAWN:,} molecules; filter or take CSV")
        columns = [str(c) for c in body["columns"]] if isinstance(body.get("columns"), list) else []
        rows = rows_of(self.library.sheet, places, columns if brief else None)
        if not brief:
            rows = _with_opinions(rows, opinions(self.events.after()), _text(body, "reviewer"))
        media_type, make = MAKERS[kind]
        return Response(make(rows), media_type=media_type)

    def _rows(self, value: Any, most: int) -> list[int]:
        count = len(self.library.smiles)
        if not isinstance(value, list) or not all(type(row) is int and 0 <= row < count for row in value):
            raise Refused(400, f"rows: whole numbers below {count} are expected")
        if len(value) > most:
            raise Refused(413, f"more than {most:,} rows")
        return value


def _text(body: Body, key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise Refused(400, f"{key}: a text is expected")
    return value


def _with_opinions(rows: list[Row], held: dict[str, dict[str, Opinion]], reviewer: str) -> list[Row]:
    """The rows with what `reviewer` decided, and everybody's verdicts in one column."""
    found: list[Row] = []
    for row in rows:
        by = held.get(str(row["smiles"]), {})
        mine = by.get(reviewer, Opinion())
        verdicts = "; ".join(f"{name}: {o.verdict}" for name, o in sorted(by.items()) if o.verdict)
        said = {"decision": mine.verdict, "tags": "; ".join(sorted(mine.tags)), "comment": mine.comment}
        found.append({**row, **said, "verdicts": verdicts})
    return found
