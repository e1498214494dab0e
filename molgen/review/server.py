"""The review server: which address gives what. What the answers are stands in answers.py, who may ask in guard.py."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from molgen.core.errors import InputError, MolgenError
from molgen.report.page import part, script
from molgen.review.answers import Answers, Refused
from molgen.review.events import Events
from molgen.review.guard import Guard, TooLarge
from molgen.review.library import Library


def application(
    page: str,
    table: dict[str, Any],
    library: Library,
    events: Events,
    *,
    readonly: bool = False,
    token: str | None = None,
    sketcher: Path | None = None,
) -> Starlette:
    """The server. `page` is its HTML, `table` what `report.payload` makes of the sheet, `sketcher` a script."""
    answers = Answers(library, events, readonly)
    packed = gzip.compress(json.dumps(table, allow_nan=False, separators=(",", ":")).encode(), 5)
    routes = [
        _file("/", page, "text/html"),
        _file("/static/page.css", part("page.css"), "text/css"),
        _file("/static/page.js", script(), "text/javascript"),
        _file("/api/table", packed, "application/json", {"Content-Encoding": "gzip"}),
        Route("/favicon.ico", _nothing),
        _asked("/api/molecule/{row:int}", answers.molecule, lambda request: request.path_params["row"]),
        _asked("/api/events", answers.said, lambda request: request.query_params.get("after", "0")),
        _told("/api/events", answers.say),
        _told("/api/import", answers.take),
        _told("/api/pictures", answers.pictures),
        _told("/api/substructure", answers.substructure),
        _told("/api/similar", answers.similar),
        _told("/api/export", answers.export),
    ]
    if sketcher is not None:
        routes.append(_file("/static/sketcher.js", sketcher.read_bytes(), "text/javascript"))
    handlers: Any = {Refused: _refused, MolgenError: _refused}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(Guard, token=token)])


def _file(path: str, content: str | bytes, media_type: str, headers: dict[str, str] | None = None) -> Route:
    """Something that does not change while the server runs."""

    async def endpoint(request: Request) -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return Route(path, endpoint)


def _asked(path: str, answer: Callable[[str], Any], key: Callable[[Request], str]) -> Route:
    """A GET, answered by a function of one text in its address."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_sync(answer, key(request)))

    return Route(path, endpoint)


def _told(path: str, answer: Callable[[dict[str, Any]], Any]) -> Route:
    """A POST of a JSON object, answered by a function of it."""

    async def endpoint(request: Request) -> Response:
        found = await run_sync(answer, await _body(request))
        return found if isinstance(found, Response) else JSONResponse(found)

    return Route(path, endpoint, methods=["POST"])


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


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
