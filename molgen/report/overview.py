"""The top of the page: what was done, the figures of the set, the funnel, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from statistics import median

from molgen.report.funnel import Step
from molgen.report.run import Run
from molgen.report.sheet import Sheet


def lead(run: Run, steps: Sequence[Step], sheet: Sheet) -> str:
    """One or two sentences: how many candidates, from how many draws, by which models, on which data."""
    drawn = next((f"{s.count:,}" for s in steps if s.name == "Drawn"), None)
    families = [f for f in run.families if run.samples(f).is_file()] or run.families
    models = f"{'the model' if len(families) == 1 else 'the models'} {_listed(families)}" if families else "no model"
    what = f"{len(sheet):,} candidates" if len(sheet) else "No candidates yet"
    verb = "picked from" if len(sheet) else "but"
    source = f", {verb} {drawn} molecules drawn by {models}" if drawn else f", from {models}"
    if run.search:
        source = f", {verb} {run.search.calls:,} molecules that a search ({run.search.strategy}) scored"
    data = run.config.get("data")
    name = data.get("name") if isinstance(data, dict) else data
    known = f", trained on {name}" if isinstance(name, str) else ""
    return escape(f"{what}{source}{known}.")


def tiles(sheet: Sheet) -> str:
    """The set in a few figures."""
    if not len(sheet):
        return ""
    table, count = sheet.table, len(sheet)
    scores = [s for s in table["score"].to_pylist() if s is not None and s == s]
    alerted = sum(1 for names in table["alerts"].to_pylist() if names)
    found = []
    if scores:
        found.append(("best score", f"{max(scores):.3f}", f"median {median(scores):.3f}"))
    found.append(("distinct scaffolds", f"{len(table['scaffold'].unique()):,}", f"in {count:,} molecules"))
    found.append(("with alerts", f"{alerted:,}", f"of {count:,}, PAINS, BRENK or hazards"))
    if "similarity" in table.schema.names:
        near = [v for v in table["similarity"].to_pylist() if v is not None]
        same = sum(1 for a, b in zip(table["nearest"].to_pylist(), sheet.smiles, strict=True) if a == b)
        found.append(("nearest known", f"{median(near):.2f}", f"median similarity; {same or 'none'} in training set"))
    return "".join(
        f'<div class="tile"><dt>{name}</dt><dd>{value}</dd><p>{note}</p></div>' for name, value, note in found
    )


def funnel_chart(steps: Sequence[Step]) -> str:
    """A bar a step, as long as its share of the first one."""
    if not steps:
        return '<p class="empty">No samples in this run, so there is no funnel to show.</p>'
    first = max(steps[0].count, 1)
    rows = []
    for before, step in zip([None, *steps], steps, strict=False):
        share = f"{100 * step.count / before.count:.1f} %" if before and before.count else ""
        width = 100 * min(step.count / first, 1)
        rows.append(
            f'<li title="{step.meaning}"><span class="name">{step.name}</span>'
            f'<svg class="bar" aria-hidden="true"><rect width="{width:.2f}%" height="100%"/></svg>'
            f'<b class="num">{step.count:,}</b><span class="share num">{share}</span></li>'
        )
    return f'<ol class="funnel">{"".join(rows)}</ol>'


def gaps(run: Run) -> str:
    """What this run lacks, said plainly; nothing if it is complete."""
    if not run.gaps:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in run.gaps)
    return f'<aside class="gaps" role="note"><h2>Missing from this report</h2><ul>{items}</ul></aside>'


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
