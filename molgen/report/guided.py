"""Draws under wishes as HTML: what they have beside plain draws, weight by weight, and what the weight costs."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from molgen.core.tables import STEERED, opened
from molgen.report.charts import SERIES, Frame, histogram
from molgen.report.run import Run
from molgen.steering import Outcome, outcomes

BINS = 30
ABOUT = (
    "Each family was asked for property values, at one or several weights. Met: the share of all draws that are "
    "distinct molecules within every bound. In brackets: mean absolute difference from the value asked for."
)


def guided_section(run: Run) -> str:
    """A table and a figure a property for each family, and the trade-off of all; nothing where nothing was asked."""
    files = {file.stem: file for file in sorted(run.folder.glob("guided/*.parquet"))}
    if not files:
        return ""
    found = {family: outcomes(file) for family, file in files.items()}
    parts = [f"<div class='asked'><h3>Properties asked for</h3><p class='about'>{ABOUT}</p>", _trade_off(found)]
    for family, file in files.items():
        with opened(file, STEERED) as table:
            rows = table.read().to_pandas()
        parts.append(f"<h4>{escape(family)}</h4>{_table(found[family], rows)}{_figures(found[family], rows)}")
    return "".join([*parts, "</div>"])


def _table(found: list[Outcome], rows: Any) -> str:
    names = list(found[0].mean)
    asked = {name: rows[f"{name}.asked"].iloc[0] for name in names}
    heads = ["Weight", "valid", "unique", "diversity", "met", *(f"{name} (asked {asked[name]:.3g})" for name in names)]
    head = "".join(f'<th scope="col" class="num">{escape(text)}</th>' for text in heads)
    body = []
    for one in found:
        numbers = [f"{value:.3f}" for value in (one.valid, one.unique, one.diversity, one.met)]
        numbers += [f"{one.mean[n]:.3g} <span class='quiet'>({one.error[n]:.2g})</span>" for n in names]
        cells = "".join(f'<td class="num">{text}</td>' for text in numbers)
        body.append(f'<tr><th scope="row" class="num">{_weight(one)}</th>{cells}</tr>')
    table = f'<table class="metrics"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _figures(found: list[Outcome], rows: Any) -> str:
    """Plain draws as an area, those at each weight as a line."""
    keys = ['<span class="key"><svg viewBox="0 0 28 12"><path class="area" d="M0 12V3H28V12Z"/></svg>plain</span>']
    for place, one in enumerate(found[1:]):
        line = f'<path class="line s{place % SERIES}" d="M0 6H28"/>'
        keys.append(f'<span class="key"><svg viewBox="0 0 28 12">{line}</svg>weight {_weight(one)}</span>')
    figures = []
    for name in found[0].mean:
        values = rows[name].dropna()
        if values.empty:
            continue
        edges = np.histogram_bin_edges(values, BINS, tuple(np.quantile(values, [0.002, 0.998])))
        sets = {}
        for weight, some in rows.groupby("guidance", sort=True):
            held = some[name].dropna().clip(edges[0], edges[-1])
            sets[f"{weight:g}"] = {"edges": edges.tolist(), "counts": np.histogram(held, edges)[0].tolist()}
        plain, *lines = sets.items()
        chart = histogram(name, name.replace("_", " "), plain[1], lines)
        says = f"asked for {rows[f'{name}.asked'].iloc[0]:.3g}"
        figures.append(
            f"<figure><h5>{escape(name.replace('_', ' '))}</h5>{chart}<figcaption>{says}</figcaption></figure>"
        )
    return f'<div class="legend">{"".join(keys)}</div><div class="figures">{"".join(figures)}</div>'


def _trade_off(found: dict[str, list[Outcome]]) -> str:
    """Diversity against the share that meets the wishes, a line a family, from plain draws to the greatest weight."""
    points = [(one.met, one.diversity) for each in found.values() for one in each]
    low = min(y for _, y in points)
    high = max(y for _, y in points)
    room = max((high - low) * 0.1, 0.01)
    right = max(max(x for x, _ in points) * 1.08, 0.05)
    frame = Frame((0, right), (low - room, high + room), width=560, height=260, left=58, bottom=42)
    content, keys = [frame.axes("share of the draws that meet the wishes", "diversity", y_ticks=True)], []
    for place, (family, each) in enumerate(found.items()):
        line = [(one.met, one.diversity) for one in each]
        content.append(f'<path class="line s{place % SERIES}" d="{frame.line(line)}"/>')
        for one, (x, y) in zip(each, (frame.at(*point) for point in line), strict=True):
            content.append(f'<circle class="dot s{place % SERIES}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
            content.append(f'<text x="{x + 6:.1f}" y="{y - 6:.1f}">{_weight(one)}</text>')
        key = f'<path class="line s{place % SERIES}" d="M0 6H28"/>'
        keys.append(f'<span class="key"><svg viewBox="0 0 28 12">{key}</svg>{escape(family)}</span>')
    chart = frame.svg("Diversity against the share of draws that meet the wishes", *content)
    return f'<div class="legend">{"".join(keys)}</div><div class="figures wide"><figure>{chart}</figure></div>'


def _weight(one: Outcome) -> str:
    return f"{one.guidance:g}" if one.guidance else "plain"
