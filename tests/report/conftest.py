"""One made run for all tests of the report, its report, and a reader of the page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from molgen.report.report import Written, report

from .made import make_run


class Page(HTMLParser):
    """The parsed page: every tag with its attributes, the text outside scripts, and the embedded data."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.source, self._scripts, self._inside = "", file.read_text(encoding="utf-8"), [], ""
        self.feed(self.source)
        self.data = json.loads(self._scripts[0])

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._inside = tag
            self._scripts += [""] if tag == "script" else []

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self._scripts[-1] += data
        elif not self._inside:
            self.text += " ".join(data.split()) + " "

    @property
    def script(self) -> str:
        """The scripts that run (the first script element is the data)."""
        return self._scripts[1]


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("results") / "made", families=("smiles", "graph"))


@pytest.fixture(scope="session")
def written(run) -> Written:
    return report(run, run / "report.html")


@pytest.fixture(scope="session")
def page(written) -> Page:
    return Page(written.page)
