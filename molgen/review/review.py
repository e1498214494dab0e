"""The stage `review`: a run folder to a server that a chemist's browser talks to."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from molgen.core import tables
from molgen.core.artifacts import Identity, already_made, building, remove, sidecar, whole_file
from molgen.core.errors import InputError, MachineError
from molgen.core.settings import Settings
from molgen.report.funnel import funnel
from molgen.report.page import server_page
from molgen.report.payload import payload
from molgen.report.predictions import predictors_of
from molgen.report.run import Run, open_run
from molgen.report.sheet import Sheet, make_sheet, sheet_of
from molgen.review.events import FORMAT, Events, database_of, decisions, read_decisions
from molgen.review.library import Library
from molgen.review.sketcher import HINT, sketcher

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


class ReviewSettings(Settings):
    """Settings of a review."""

    title: str | None = Field(default=None, max_length=200, description="heading; the run's name by default")
    show: int = Field(default=50_000, ge=1, le=200_000, description="most candidates, best first")
    neighbours: bool = Field(default=True, description="look up each candidate's nearest training molecule")
    known: tuple[str, ...] = Field(default=(), description="files of known molecules to show the nearest of")
    predictors: tuple[str, ...] = Field(default=(), description="folders of predictors beside the objective's own")


@dataclass(frozen=True)
class Address:
    """Where a review listens. `token` is None on this machine's own address."""

    host: str
    port: int
    token: str | None

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = socket.gethostname() if self.host in ("0.0.0.0", "::") else host
        return f"http://{shown}:{self.port}/{f'?token={self.token}' if self.token else ''}"


def sheet_of_run(run: Run, settings: ReviewSettings, workers: int) -> Sheet:
    """The run's sheet, made once and kept in RUN/review/ until the candidates or the settings change."""
    if not run.candidates.is_file():
        raise InputError(f"{run.candidates}: no such file; `molgen rank` makes it")
    inputs = {"candidates": run.candidates} | ({"molecules": run.molecules} if run.molecules.is_file() else {})
    inputs |= {f"known {file}": Path(file) for file in settings.known}
    predictors = predictors_of(run, settings.predictors)
    inputs |= {f"predictor {one.name}": one.folder for one in predictors}
    chosen = {k: v for k, v in settings.values().items() if k != "title"}
    identity = Identity.of("review", chosen, inputs)
    folder = run.folder / "review"
    out = folder / f"sheet-{identity.key}.parquet"
    if not already_made(out, identity):
        looked_up: Any = {"neighbours": settings.neighbours, "known": settings.known, "predictors": predictors}
        sheet = make_sheet(run, settings.show, workers, **looked_up)
        with building(out, identity, workers=workers) as aside:
            tables.write(aside, sheet.table)
        for old in folder.glob("sheet-*.parquet"):
            if old != out:
                remove(old)
                remove(sidecar(old))
    return sheet_of(tables.read(out))


def import_decisions(run: Path, files: list[Path]) -> int:
    """Adds the decisions of mailed reports to a run; how many were new. Nothing is added if one is not whole."""
    found = [(file, read_decisions(file)) for file in files]
    store = Events(database_of(run))
    try:
        return sum(store.add(events, f"import {file.name}") for file, events in found)
    finally:
        store.close()


def open_port(host: str, port: int) -> socket.socket:
    """A socket that listens; a MachineError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise MachineError(f"{host}:{port}: cannot listen there ({error.strerror}); choose another --port") from None
    return found


def serve(
    folder: Path,
    settings: ReviewSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    readonly: bool = False,
    workers: int = 1,
) -> None:
    """Listens until it is stopped. On any address but this machine's own, every request needs a token."""
    import uvicorn

    from molgen.review.server import application

    settings = settings or ReviewSettings()
    run = open_run(folder)
    listening = open_port(host, port)
    address = Address(host, listening.getsockname()[1], None if host in LOCAL_HOSTS else secrets.token_urlsafe(24))
    sheet = sheet_of_run(run, settings, workers)
    file = database_of(folder)
    if readonly and not file.is_file():
        Events(file).close()
    events = Events(file, readonly=readonly)
    title = settings.title or run.name
    identity = Identity.of("review", {}, {"candidates": run.candidates})
    drawn = sketcher()
    told = {"readonly": readonly, "sketcher": drawn is not None, "sketcherHint": HINT}
    page = server_page(run, sheet, funnel(run, len(sheet)), told, title=title)
    table = payload(run, sheet, key=identity.key, title=title)
    library = Library(sheet)
    threading.Thread(target=library.prepare, daemon=True).start()
    app = application(page, table, library, events, readonly=readonly, token=address.token, sketcher=drawn)
    listening.listen()  # who opens the address at once waits a moment, and is not refused
    print(f"{len(sheet):,} candidates at {address.url}", flush=True)
    print(f"decisions are kept in {file}; ctrl-C ends", flush=True)
    try:
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", server_header=False)).run([listening])
        if signal.SIGINT in signal.sigpending():  # raised once more by the server when it has ended, and blocked here
            raise KeyboardInterrupt
    finally:
        events.close()


def write_decisions(run: Path, out: Path) -> int:
    """Writes a run's decisions as the file that the page and `--import` read; how many events it holds."""
    events = [{k: v for k, v in event.items() if k != "seq"} for event in decisions(run)]
    text = json.dumps({"format": FORMAT, "events": events}, ensure_ascii=False, indent=1)
    with whole_file(out) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
    return len(events)
