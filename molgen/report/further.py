"""The evaluation's further metrics as HTML: their table, the balance of kinds, the nearest training molecules."""

from __future__ import annotations

from html import escape
from typing import Any

from molgen.evaluate.further.names import FURTHER
from molgen.report.charts import histogram
from molgen.report.run import Run

DIRECTIONS = {"up": "higher is better", "down": "lower is better", "": ""}
KINDS = {"size": "Size", "charge": "Net charge", "rings": "Rings", "scaffold": "Scaffold"}


def further_section(run: Run) -> str:
    """Everything behind one fold; nothing where no such metric was asked for."""
    names = list(dict.fromkeys(name for r in run.metrics.values() for name in r["metrics"] if name in FURTHER))
    if not names:
        return ""
    parts = [_table(run, names), _balance(run), _nearest(run)]
    return f"<details><summary>{len(names)} further metrics</summary>{''.join(parts)}</details>"


def _table(run: Run, names: list[str]) -> str:
    """A row a metric, a column a family, and what training and test molecules reach in the draws' place."""
    families = list(run.metrics)
    beside: dict[str, Any] = next((r["further"]["beside"] for r in run.metrics.values() if r.get("further")), {})
    heads = [*families, *(f"{kind} molecules" for kind in beside)]
    rows = []
    for name in names:
        cells = [_cell(run.metrics[family], name) for family in families]
        cells += [f'<td class="num quiet">{_number(found.get(name))}</td>' for found in beside.values()]
        meaning = FURTHER[name]
        says = "; ".join(text for text in (meaning.says, DIRECTIONS[meaning.better]) if text)
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}<td class="quiet">{escape(says)}</td></tr>'
        )
    return _rows(["Metric", *heads, "Meaning"], rows)


def _cell(record: dict[str, Any], name: str) -> str:
    value, bounds = record["metrics"].get(name), record.get("intervals", {}).get(name)
    if value is None:
        why = record.get("notes", {}).get(name, "not measured")
        return f'<td class="num"><span title="{escape(why)}">–</span></td>'
    spread = f' <span class="quiet">({bounds[0]:.3f} to {bounds[1]:.3f})</span>' if bounds else ""
    return f'<td class="num">{value:.3f}{spread}</td>'


def _balance(run: Run) -> str:
    """How many times as often as the data a model draws each kind; marked where the interval leaves out 1."""
    found = {family: r["further"]["balance"] for family, r in run.metrics.items() if "balance" in r.get("further", {})}
    if not found:
        return ""
    rows = []
    for group, title in KINDS.items():
        kinds = list(dict.fromkeys(kind for groups in found.values() for kind in groups.get(group, {})))
        for kind in kinds:
            ratios = [groups.get(group, {}).get(kind) for groups in found.values()]
            data = next((ratio["data"] for ratio in ratios if ratio), None)
            cells = f'<td class="num">{_number(data)}</td>' + "".join(map(_ratio, ratios))
            rows.append(f'<tr><th scope="row">{escape(title)}: {escape(kind)}</th>{cells}</tr>')
    about = (
        "Share of the test split, and how many times as often a model draws the kind. Bold: its interval leaves out 1."
    )
    return f"<h3>Balance</h3><p>{about}</p>{_rows(['Kind', 'data', *found], rows)}"


def _ratio(ratio: dict[str, Any] | None) -> str:
    if not ratio or ratio["ratio"] is None:
        return '<td class="num">–</td>'
    off = ratio["low"] > 1 or ratio["high"] < 1
    spread = f'<span class="quiet">({ratio["low"]:.2f} to {ratio["high"]:.2f})</span>'
    return f'<td class="num{" best" if off else ""}">{ratio["ratio"]:.2f} {spread}</td>'


def _nearest(run: Run) -> str:
    """Similarities to the nearest training molecule: the test split's as an area, each family's as a line."""
    found = {
        f: r["further"]["nearest_train"] for f, r in run.metrics.items() if "nearest_train" in r.get("further", {})
    }
    if not found:
        return ""
    first = next(iter(found.values()))
    area = {"edges": first["edges"], "counts": first["counts"]["test"]}
    lines = [(f, _drawn(found.get(f))) for f in run.metrics]
    chart = histogram("similarity", "similarity to the nearest training molecule", area, lines)
    says = f"Area: the test split, mean {first['mean']['test']:.3f}. " + " ".join(
        f"{family}: mean {h['mean']['generated']:.3f}." for family, h in found.items()
    )
    about = f"<figcaption>{escape(says)}</figcaption>"
    return f'<div class="figures"><figure><h3>Nearest training molecule</h3>{chart}{about}</figure></div>'


def _drawn(nearest: dict[str, Any] | None) -> dict[str, Any] | None:
    return nearest and {"edges": nearest["edges"], "counts": nearest["counts"]["generated"]}


def _rows(heads: list[str], rows: list[str]) -> str:
    cells = [
        f'<th scope="col"{" class=num" if i > 0 and head != "Meaning" else ""}>{escape(head)}</th>'
        for i, head in enumerate(heads)
    ]
    return (
        f'<div class="scroll"><table class="metrics"><thead><tr>{"".join(cells)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
