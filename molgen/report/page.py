"""Fills page.html: style, scripts, data and sections in one file that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from molgen import __version__
from molgen.chem.parse import BadMolecule, parse
from molgen.report import evaluation, overview, provenance
from molgen.report.candidates import Candidate, Candidates
from molgen.report.drawings import drawing
from molgen.report.funnel import Step
from molgen.report.run import Run

SCRIPTS = ("core.js", "grid.js", "filters.js", "detail.js", "exports.js", "page.js")
CARD = ("MW", "logP", "TPSA", "QED", "SA")  # under each drawing
SLIDERS = ("score", "MW", "logP", "TPSA", "QED", "SA", "similarity")


def page(run: Run, candidates: Candidates, steps: Sequence[Step], *, title: str, key: str) -> str:
    """The whole page as text. Everything that comes from the run is escaped."""
    script = '"use strict";\n' + "\n".join(_part(name) for name in SCRIPTS)
    return Template(_part("page.html")).substitute(
        title=escape(title),
        version=escape(__version__),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_part("page.css"),
        script=script,
        data=_json(data(candidates, key, title)),
        lead=overview.lead(run, steps, candidates),
        tiles=overview.tiles(candidates),
        funnel=overview.funnel_chart(steps),
        gaps=overview.gaps(run),
        histograms=evaluation.histograms(run),
        evaluation=evaluation.evaluation_table(run),
        training=provenance.training(run),
        settings=provenance.settings(run),
        provenance=provenance.provenance(run),
    )


def data(candidates: Candidates, key: str, title: str) -> dict[str, Any]:
    """What the scripts work on: columns, rows, and a drawing for every SMILES that is shown."""
    columns = {c.key for c in candidates.columns}
    return {
        "key": key,
        "title": title,
        "card": [k for k in CARD if k in columns],
        "sliders": [k for k in SLIDERS if k in columns],
        "columns": [vars(c) for c in candidates.columns],
        "rows": [_row(c) for c in candidates.rows],
        "drawings": _drawings(candidates),
    }


def _row(candidate: Candidate) -> dict[str, Any]:
    return {
        "smiles": candidate.smiles,
        "inchikey": candidate.inchikey,
        "scaffold": candidate.scaffold,
        "alerts": candidate.alerts,
        "nearest": candidate.nearest.smiles if candidate.nearest else None,
        "values": candidate.values,
        "components": [[c.name, c.value, c.desirability] for c in candidate.components],
    }


def _drawings(candidates: Candidates) -> dict[str, str]:
    drawn = {c.smiles: drawing(c.mol) for c in candidates.rows}
    for candidate in candidates.rows:
        if candidate.nearest and candidate.nearest.smiles not in drawn:
            try:
                drawn[candidate.nearest.smiles] = drawing(parse(candidate.nearest.smiles))
            except BadMolecule:  # a reference from elsewhere; its SMILES is shown without a drawing
                continue
    return drawn


def _json(values: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(name: str) -> str:
    return files("molgen.report").joinpath(name).read_text(encoding="utf-8")
