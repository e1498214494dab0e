"""The evaluation as HTML: one table over all families, and the property histograms behind it."""

from __future__ import annotations

from html import escape
from typing import Any

from molgen.evaluate.further.names import FURTHER
from molgen.report.charts import SERIES, histogram
from molgen.report.further import further_section
from molgen.report.run import Run

# name -> (which way is better, what it says)
MEANINGS = {
    "valid": ("up", "draws that are one whole molecule, strictly and without repair"),
    "valid_literature": ("up", "draws that RDKit reads, several fragments and repaired ones included"),
    "unique": ("up", "distinct molecules among the valid draws"),
    "unique@1000": ("up", "distinct among the first 1,000 valid draws"),
    "unique@10000": ("up", "distinct among the first 10,000 valid draws"),
    "Novelty": ("up", "distinct molecules that are not in the training set"),
    "IntDiv": ("up", "internal diversity: 1 minus the mean similarity of all pairs"),
    "IntDiv2": ("up", "internal diversity with squared similarities"),
    "SNN": ("up", "mean similarity to the nearest molecule of the held-out split"),
    "Frag": ("up", "agreement of BRICS fragment counts with the held-out split"),
    "Scaf": ("up", "agreement of Murcko scaffold counts with the held-out split"),
    "FCD": ("down", "Fréchet ChemNet distance to the held-out split"),
    "Filters": ("up", "molecules that pass the benchmark's structural filters"),
    "logP": ("down", "distance of the logP distribution to the test split (Wasserstein-1, log10 units)"),
    "SA": ("down", "distance of the synthetic-accessibility distribution (Wasserstein-1)"),
    "QED": ("down", "distance of the drug-likeness distribution (Wasserstein-1)"),
    "weight": ("down", "distance of the molecular-weight distribution (Wasserstein-1, g/mol)"),
}
SPLITS = {"Test": "test split", "TestSF": "scaffold test split"}
DIRECTIONS = {"up": "higher is better", "down": "lower is better", "": ""}
MAIN_HISTOGRAMS = 8


def evaluation_table(run: Run) -> str:
    """A row a metric, a column a family, and one for the training set; the best of several families is marked."""
    if not run.metrics:
        return '<p class="empty">No evaluation of this run yet. <code>molgen evaluate</code> makes it.</p>'
    families = list(run.metrics)
    names = [
        name for name in dict.fromkeys(n for f in families for n in run.metrics[f]["metrics"]) if name not in FURTHER
    ]
    floors = [found for f in families if (found := run.metrics[f].get("floor"))]
    floor = max(floors, key=lambda found: found["n"], default=None)
    head = "".join(f'<th scope="col" class="num">{escape(f)}</th>' for f in families)
    drawn = "".join(f'<td class="num">{_count(run.metrics[f].get("n"))}</td>' for f in families)
    if floor is not None:
        head = f'<th scope="col" class="num">training set</th>{head}'
        drawn = f'<td class="num quiet">{_count(floor["n"])}</td>{drawn}'
    rows = [f'<tr><th scope="row">n</th>{drawn}<td class="quiet">draws, failures included</td></tr>']
    rows += [_row(name, [_bounded(run.metrics[f], name) for f in families], floor) for name in names]
    notes = "".join(_notes(f, run.metrics[f]) for f in families)
    about = '<p class="about">In brackets: 95 % intervals.'
    if floor is not None:
        about += " Training set: the same of as many training molecules."
    if run.comparison is not None:
        about += (
            f' <a href="{escape(run.comparison)}">The models side by side</a>, with examples, a map and what they took.'
        )
    return (
        f'{about}</p><div class="scroll"><table class="metrics"><thead><tr><th scope="col">Metric</th>{head}'
        f'<th scope="col">Meaning</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f"{further_section(run)}{notes}"
    )


def _bounded(record: dict[str, Any], name: str) -> Any:
    """A metric's value with its interval, where the file has that apart."""
    value, bounds = record["metrics"].get(name), record.get("intervals", {}).get(name)
    return {"value": value, "low": bounds[0], "high": bounds[1]} if bounds and isinstance(value, int | float) else value


def _row(name: str, values: list[Any], floor: dict[str, Any] | None) -> str:
    base, _, split = name.partition("/")
    direction, meaning = MEANINGS.get(base, ("", ""))
    meaning = meaning.replace("held-out split", SPLITS.get(split, "held-out split"))
    points = [_point(v) for v in values]
    numbers = [p for p in points if p is not None]
    best = (max if direction == "up" else min)(numbers) if direction and len(set(numbers)) > 1 else None
    cells = "" if floor is None else f'<td class="num quiet">{_value(floor["metrics"].get(name))}</td>'
    cells += "".join(
        f'<td class="num{" best" if best is not None and p == best else ""}">{_value(v)}</td>'
        for v, p in zip(values, points, strict=True)
    )
    say = "; ".join(part for part in (meaning, DIRECTIONS[direction]) if part)
    return f'<tr><th scope="row">{escape(name)}</th>{cells}<td class="quiet">{escape(say)}</td></tr>'


def _point(value: Any) -> float | None:
    found = value.get("value") if isinstance(value, dict) else value
    return float(found) if isinstance(found, int | float) else None


def _value(value: Any) -> str:
    """`0.612`, with its interval where there is one; a dash for what could not be measured."""
    point = _point(value)
    if point is None:
        return '<span title="not measured">–</span>'
    text = f"{point:.3f}"
    if isinstance(value, dict) and value.get("low") is not None and value.get("high") is not None:
        text += f' <span class="quiet">({value["low"]:.3f} to {value["high"]:.3f})</span>'
    return text


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"


def _notes(family: str, record: dict[str, Any]) -> str:
    invalid = record.get("counts", {}).get("invalid", {})
    said = [f"{name}: {why}." for name, why in record.get("notes", {}).items()]
    if invalid:
        said.append("Invalid draws: " + ", ".join(f"{reason} {count:,}" for reason, count in invalid.items()) + ".")
    if not said:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in said)
    return f'<details class="notes"><summary>Notes on {escape(family)}</summary><ul>{items}</ul></details>'


def histograms(run: Run) -> str:
    """A figure a property, the first eight open, the others behind a fold."""
    sets = {f: r["distributions"] for f, r in run.metrics.items() if r.get("distributions")}
    if not sets:
        return '<p class="empty">No property distributions yet. <code>molgen evaluate</code> makes them.</p>'
    first = next(iter(sets.values()))
    figures = [_figure(name, about, sets) for name, about in first.items()]
    legend = ['<span class="key"><svg viewBox="0 0 28 12"><path class="area" d="M0 12V3H28V12Z"/></svg>training</span>']
    legend += [
        f'<span class="key"><svg viewBox="0 0 28 12"><path class="line s{i % SERIES}" d="M0 6H28"/></svg>'
        f"{'generated' if len(sets) == 1 else escape(f)}</span>"
        for i, f in enumerate(sets)
    ]
    page = f'<div class="legend">{"".join(legend)}</div><div class="figures">{"".join(figures[:MAIN_HISTOGRAMS])}</div>'
    if rest := figures[MAIN_HISTOGRAMS:]:
        page += f'<details><summary>{len(rest)} more properties</summary><div class="figures">{"".join(rest)}</div>'
        page += "</details>"
    return page


def _figure(name: str, about: dict[str, Any], sets: dict[str, Any]) -> str:
    unit = f" ({about['unit']})" if about.get("unit") else ""
    drawn = {f: s[name] for f, s in sets.items() if s.get(name, {}).get("generated", {}).get("n")}
    lines = {f: {**s["generated"], "edges": s["edges"]} for f, s in drawn.items()}
    train = {**about["train"], "edges": about["edges"]} if about.get("train", {}).get("n") else None
    says = [f"training {_spread(train)}"] if train else []
    says += [f"{'generated' if len(sets) == 1 else f} {_spread(s)}" for f, s in lines.items()]
    chart = histogram(name, name.replace("_", " ") + unit, train, [(f, lines.get(f)) for f in sets])
    return (
        f"<figure><h3>{escape(name.replace('_', ' '))}</h3>{chart}"
        f'<figcaption title="{escape(about.get("meaning", ""))}">{escape("; ".join(says))}</figcaption></figure>'
    )


def _spread(values: dict[str, Any]) -> str:
    return f"{values['mean']:.3g} ± {values['std']:.2g}"
