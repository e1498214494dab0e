"""Fills page.html: for a report everything in one file that asks the network for nothing, for the server its frame."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from molgen import __version__
from molgen.report import evaluation, overview, provenance
from molgen.report.domain import domain_section
from molgen.report.funnel import Step
from molgen.report.guided import guided_section
from molgen.report.payload import script_json
from molgen.report.run import Run
from molgen.report.search import search_section
from molgen.report.sheet import Sheet

SCRIPTS = (
    *("core.js", "smarts.js", "pasted.js", "backend.js", "rows.js", "decide.js", "grid.js", "sketch.js", "filters.js"),
    *("detail.js", "set.js", "agreement.js", "exports.js", "xlsx.js", "page.js"),
)
ALONE = "This file is complete in itself and asks the network for nothing."


@cache
def script() -> str:
    """All scripts as one."""
    return '"use strict";\n' + "\n".join(part(name) for name in SCRIPTS)


def report_page(run: Run, sheet: Sheet, steps: Sequence[Step], data: dict[str, Any], *, title: str) -> str:
    """The whole page as text. Everything that comes from the run is escaped; only the page's own script may run."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">\n'
    return _filled(
        run,
        sheet,
        steps,
        title=title,
        kind="report",
        complete=ALONE,
        head=f"{head}<style>\n{part('page.css')}\n</style>",
        data=script_json(data),
        script=f"<script>{script()}</script>",
    )


def server_page(run: Run, sheet: Sheet, steps: Sequence[Step], settings: dict[str, Any], *, title: str) -> str:
    """The page of `molgen review`: the same, with its style, script and table at addresses of their own."""
    return _filled(
        run,
        sheet,
        steps,
        title=title,
        kind="review",
        complete="",
        head='<link rel="stylesheet" href="static/page.css">',
        data=script_json({"server": True, **settings}),
        script='<script src="static/page.js"></script>',
    )


def _filled(run: Run, sheet: Sheet, steps: Sequence[Step], *, title: str, **parts: str) -> str:
    return Template(part("page.html")).substitute(
        parts,
        title=escape(title),
        version=escape(__version__),
        lead=overview.lead(run, steps, sheet),
        tiles=overview.tiles(sheet),
        funnel=overview.funnel_chart(steps),
        gaps=overview.gaps(run),
        histograms=evaluation.histograms(run),
        search=search_section(run),
        guided=guided_section(run),
        domain=domain_section(sheet),
        evaluation=evaluation.evaluation_table(run),
        training=provenance.training(run),
        settings=provenance.settings(run),
        provenance=provenance.provenance(run),
    )


def part(name: str) -> str:
    """A file of the front end."""
    return files("molgen.report").joinpath(name).read_text(encoding="utf-8")
