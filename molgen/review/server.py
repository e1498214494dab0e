"""The addresses of the review server: the page, its table, searches, events and files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from molgen.core.errors import InputError, MolgenError
from molgen.report.exports import MOST_DRAWN, Row, csv_text, rows_of, sdf_text, smiles_text, xlsx_bytes
from molgen.report.page import part, script
from molgen.review.events import Events, opinions, read_events
from molgen.review.guard import Guard, TooLarge
from molgen.review.library import Library

MOST_PICTURES = 300  # a request
MOST_EVENTS = 1_000
TYPES = {
    "csv": "text/csv",
    "smi": "text/plain",
    "sdf": "chemical/x-mdl-sdfile",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Refused(Exception):  # noqa: N818 (an answer to a client, not a failure)
    """A request that cannot be answered: status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def application(
    page: str,
    table: dict[str, Any],
    library: Library,
    events: Events,
    *,
    readonly: bool = False,
    token: str | None = None,
) -> Starlette:
    """The server. `page` is its HTML, `table` what `report.payload` makes of the sheet."""
    packed = gzip.compress(json.dumps(table, allow_nan=False, separators=(",", ":")).encode(), 5)
    count = len(library.smiles)

    async def front(request: Request) -> Response:
        return Response(page, media_type="text/html")

    async def nothing(request: Request) -> Response:
        return Response(status_code=204)

    async def style(request: Request) -> Response:
        return Response(part("page.css"), media_type="text/css")

    async def scripts(request: Request) -> Response:
        return Response(script(), media_type="text/javascript")

    async def whole_table(request: Request) -> Response:
        return Response(packed, media_type="application/json", headers={"Content-Encoding": "gzip"})

    def pictures(body: dict[str, Any]) -> Any:
        rows = _rows(body.get("rows"), count, MOST_PICTURES)
        found = library.pictures(rows, aligned=body.get("aligned") is True, query=_text(body, "query"))
        return {"pictures": found}

    def substructure(body: dict[str, Any]) -> Any:
        return {"rows": library.substructure(_text(body, "query"))}

    def similar(body: dict[str, Any]) -> Any:
        return {"similarity": library.similar(_text(body, "smiles"))}

    async def molecule(request: Request) -> Response:
        (row,) = _rows([request.path_params["row"]], count, 1)
        return JSONResponse(await run_sync(library.molecule, row))

    async def said(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise Refused(400, "after: a whole number is expected")
        return JSONResponse({"events": await run_sync(events.after, int(after))})

    def say(body: dict[str, Any], origin: str = "page") -> Any:
        if readonly:
            raise Refused(403, "this review is read-only")
        found = read_events(body, "request")
        if origin == "page" and len(found) > MOST_EVENTS:
            raise Refused(413, f"more than {MOST_EVENTS:,} events at once")
        return {"added": events.add(found, origin)}

    def export(body: dict[str, Any]) -> Response:
        kind = _text(body, "format")
        if kind not in TYPES:
            raise Refused(400, f"format: one of {', '.join(TYPES)} is expected")
        places = _rows(body.get("rows"), count, count)
        if kind == "xlsx" and len(places) > MOST_DRAWN:
            raise Refused(413, f"XLSX with drawings holds at most {MOST_DRAWN:,} molecules; filter or take CSV")
        columns = [str(c) for c in body["columns"]] if isinstance(body.get("columns"), list) else []
        rows = rows_of(library.sheet, places, columns if body.get("brief") is True else None)
        if body.get("brief") is not True:
            rows = _with_opinions(rows, opinions(events.after()), _text(body, "reviewer"))
        makers: dict[str, Callable[[Any], str | bytes]] = {
            "csv": csv_text, "smi": smiles_text, "sdf": sdf_text, "xlsx": xlsx_bytes,
        }  # fmt: skip
        return Response(makers[kind](rows), media_type=TYPES[kind])

    def posted(answer: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            found = await run_sync(answer, await _body(request))
            return found if isinstance(found, Response) else JSONResponse(found)

        return endpoint

    routes = [
        Route("/", front),
        Route("/favicon.ico", nothing),
        Route("/static/page.css", style),
        Route("/static/page.js", scripts),
        Route("/api/table", whole_table),
        Route("/api/pictures", posted(pictures), methods=["POST"]),
        Route("/api/substructure", posted(substructure), methods=["POST"]),
        Route("/api/similar", posted(similar), methods=["POST"]),
        Route("/api/molecule/{row:int}", molecule),
        Route("/api/events", said),
        Route("/api/events", posted(say), methods=["POST"]),
        Route("/api/import", posted(lambda body: say(body, "import")), methods=["POST"]),
        Route("/api/export", posted(export), methods=["POST"]),
    ]
    handlers: Any = {Refused: _refused, MolgenError: _refused}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(Guard, token=token)])


async def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except TooLarge:
        raise
    except (ValueError, RecursionError):
        raise Refused(400, "not JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "an object is expected")
    return found


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else 400 if isinstance(error, InputError) else 500
    return JSONResponse({"error": str(error)}, status)


def _rows(value: Any, count: int, most: int) -> list[int]:
    if not isinstance(value, list) or not all(type(row) is int and 0 <= row < count for row in value):
        raise Refused(400, f"rows: whole numbers below {count} are expected")
    if len(value) > most:
        raise Refused(413, f"more than {most:,} rows")
    return value


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise Refused(400, f"{key}: a text is expected")
    return value


def _with_opinions(rows: list[Row], held: dict[str, Any], reviewer: str) -> list[Row]:
    """The rows with what `reviewer` decided, and everybody's verdicts in one column."""
    found: list[Row] = []
    for row in rows:
        by = held.get(str(row["smiles"]), {})
        mine = by.get(reviewer)
        verdicts = "; ".join(f"{name}: {o.verdict}" for name, o in sorted(by.items()) if o.verdict)
        said = {"decision": mine.verdict, "tags": "; ".join(sorted(mine.tags)), "comment": mine.comment} if mine else {}
        found.append({**row, "decision": None, "tags": "", "comment": "", **said, "verdicts": verdicts})
    return found
