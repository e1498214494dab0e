"""A made run of twelve candidates, and a review server over it on a port of its own."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from report.made import make_run

from molgen.report.funnel import funnel
from molgen.report.page import server_page
from molgen.report.payload import payload
from molgen.report.run import open_run
from molgen.report.sheet import Sheet
from molgen.review.events import Events
from molgen.review.library import Library
from molgen.review.review import ReviewSettings, open_port, sheet_of_run
from molgen.review.server import application


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client(NamedTuple):
    """Asks a server; `port` is where it listens."""

    port: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)


@contextmanager
def serving(app: Any) -> Iterator[Client]:
    """A server in a thread, until the block ends."""
    listening = open_port("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield Client(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("results") / "reviewed", train=40, drawn=40, top=12)


@pytest.fixture(scope="session")
def sheet(reviewed: Path) -> Sheet:
    return sheet_of_run(open_run(reviewed), ReviewSettings(), 1)


@pytest.fixture(scope="session")
def app_of(reviewed: Path, sheet: Sheet) -> Callable[..., Any]:
    """Makes the application over a decisions file."""
    run = open_run(reviewed)
    page = server_page(run, sheet, funnel(run, len(sheet)), {"readonly": False}, title="made")
    table, library = payload(run, sheet, key="made", title="made"), Library(sheet)

    def make(file: Path, **options: Any) -> Any:
        return application(page, table, library, Events(file, readonly=options.get("readonly", False)), **options)

    return make


@pytest.fixture(scope="session")
def client(app_of: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(app_of(tmp_path_factory.mktemp("decisions") / "d.sqlite")) as found:
        yield found
