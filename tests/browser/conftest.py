"""Chromium, driven by Playwright, with the page of a mailed report and that of a review server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from report.made import make_run
from review.conftest import serving

MOST = 180_000  # milliseconds that anything may take on a busy machine
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("no browser; get it with `apt-get install chromium`")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright; get it with `pip install playwright`"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"], timeout=MOST)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A window of its own; what its page logs as an error fails the test."""
    errors: list[str] = []
    # Without motion: what is clicked or measured does not scroll on meanwhile.
    context = chromium.new_context(viewport={"width": 1300, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(MOST)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.logged = errors
    yield page
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("results") / "browsed", train=40, drawn=80, top=60)


@pytest.fixture(scope="session")
def report_file(run: Path) -> Path:
    from molgen.report.report import report

    return report(run, run / "report.html").page


@pytest.fixture
def app_with_sketcher(tab: Any, run: Path, tmp_path: Path) -> Callable[[Path | None], Any]:
    """Serves the run, with no decisions yet, and with a sketcher or none."""
    from molgen.report.funnel import funnel
    from molgen.report.page import server_page
    from molgen.report.payload import payload
    from molgen.report.run import open_run
    from molgen.review.events import Events
    from molgen.review.library import Library
    from molgen.review.review import ReviewSettings, sheet_of_run
    from molgen.review.server import application
    from molgen.review.sketcher import HINT

    opened = open_run(run)
    sheet = sheet_of_run(opened, ReviewSettings(), 1)
    table = payload(opened, sheet, key="browsed", title="browsed")

    @contextmanager
    def serve(sketcher: Path | None) -> Iterator[Any]:
        told = {"readonly": False, "sketcher": sketcher is not None, "sketcherHint": HINT}
        page = server_page(opened, sheet, funnel(opened, len(sheet)), told, title="browsed")
        app = application(page, table, Library(sheet), Events(tmp_path / "d.sqlite"), sketcher=sketcher)
        with serving(app) as client:
            yield client
            tab.goto("about:blank")  # before the server goes: the page asks it every three seconds what others said

    return serve


@pytest.fixture
def address(app_with_sketcher: Callable[[Path | None], Any]) -> Iterator[str]:
    """A review server with no decisions yet."""
    with app_with_sketcher(None) as client:
        yield f"http://127.0.0.1:{client.port}/"
