"""How far the best candidates are from what their predictors learnt from, as HTML: what a search could exploit."""

from __future__ import annotations

from html import escape
from statistics import median
from typing import Any

from molgen.report.sheet import Sheet

SHOWN = 10
ABOUT = (
    "A search finds what a predictor overrates. A value means little for a molecule unlike all that was measured: "
    "outside the domain, the nearest measured molecule is less similar (Morgan, radius 2) than the nearest other one "
    "is for all but a few of the measured molecules."
)


def domain_section(sheet: Sheet) -> str:
    """For each predictor how many candidates lie in its domain, and the best ones beside what it knows; or nothing."""
    if "predicted" not in sheet.table.schema.names or not len(sheet):
        return ""
    rows = sheet.table["predicted"].to_pylist()
    parts = [f"<div class='asked'><h3>How far from what the predictors know</h3><p class='about'>{ABOUT}</p>"]
    for place, one in enumerate(rows[0]):
        found = [row[place] for row in rows]
        inside, near = sum(each["inside"] for each in found), [each["similarity"] for each in found]
        says = (
            f"{inside:,} of {len(found):,} candidates are inside the domain (similarity {one['limit']:.2f} or more); "
            f"median similarity {median(near):.2f}, of the best {len(near[:SHOWN])} {median(near[:SHOWN]):.2f}."
        )
        parts.append(f"<h4>{escape(one['name'])}</h4><p>{says}</p>{_table(sheet, found[:SHOWN])}")
    return "".join([*parts, "</div>"])


def _table(sheet: Sheet, found: list[dict[str, Any]]) -> str:
    heads = ("Rank", "value", "interval", "similarity", "domain")
    head = "".join(f'<th scope="col" class="num">{text}</th>' for text in heads)
    head += '<th scope="col">nearest molecule that was measured</th>'
    body = []
    for rank, one in zip(sheet.table["rank"].to_pylist(), found, strict=False):
        between = ", ".join(one["could_be"]) if one["classes"] else f"{one['low']:.3g} to {one['high']:.3g}"
        texts = (f"{one['value']:.3g}", between, f"{one['similarity']:.2f}", "inside" if one["inside"] else "outside")
        cells = "".join(f'<td class="num">{escape(text)}</td>' for text in texts)
        near = f"<td><code>{escape(one['nearest'] or '')}</code></td>"
        body.append(f'<tr><th scope="row" class="num">{rank}</th>{cells}{near}</tr>')
    table = f'<table class="metrics"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'
