"""The page of `molgen compare`: metrics with intervals, property histograms, a map, examples and costs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from rdkit import Chem

from molgen import __version__
from molgen.chem.fingerprints import morgan_bits
from molgen.chem.parse import BadMolecule, parse
from molgen.comparing import FLOOR, CompareSettings, Model, best, examples, floor_of, names_of
from molgen.report.charts import SERIES, Frame, histogram
from molgen.report.drawings import drawing

SMALL = 10_000  # draws; FCD, SNN and Scaf of fewer are not to be compared with published ones
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title><style>$style
.examples { display: flex; flex-wrap: wrap; gap: 8px; } .examples svg { max-width: 170px; height: auto; }
circle.map { stroke: none; fill-opacity: 0.55; } $dots</style></head><body>
<header class="top"><div class="wrap"><p class="eyebrow">molgen compare</p><h1>$title</h1><p class="lead">$lead</p>
<p class="caution">$caution</p></div></header>
<main class="wrap">
<section><h2>Metrics</h2><p class="about">$about</p>$metrics$notes</section>
<section><h2>Properties</h2>$legend<div class="figures">$histograms</div></section>
<section><h2>Chemical space</h2>$map</section>
<section><h2>Random examples</h2>$examples</section>
<section><h2>Time and memory</h2>$costs</section>
</main><footer class="wrap quiet">Made by molgen $version. This file asks the network for nothing.</footer>
</body></html>
""")


def page(models: Sequence[Model], settings: CompareSettings, seed: int) -> str:
    """The whole page as text. Everything that comes from the runs is escaped."""
    drawn = sorted({n for model in models for n in model.drawn})
    return _PAGE.substitute(
        title=escape(settings.title or "Models side by side"),
        lead=f"{len(models)} model{'s' * (len(models) > 1)}, {' or '.join(f'{n:,}' for n in drawn)} draws each.",
        caution=_caution(models, drawn),
        about=_about(models),
        style=files("molgen.report").joinpath("page.css").read_text(encoding="utf-8"),
        dots=" ".join(f"circle.map.s{i} {{ fill: var(--s{i}); }}" for i in range(SERIES)),
        metrics=_metrics(models),
        notes="".join(_notes(model) for model in models),
        legend=_legend(models),
        histograms=_histograms(models),
        map=_map(models, settings.map, seed),
        examples="".join(_examples(model, settings.examples, seed) for model in models),
        costs=_costs(models),
        version=escape(__version__),
    )


def _caution(models: Sequence[Model], drawn: Sequence[int]) -> str:
    """What the numbers of molecules forbid to conclude."""
    said = []
    if len(drawn) > 1:
        said.append("The models differ in their number of draws, on which FCD, SNN and Scaf depend.")
    measured = min(model.measured for model in models)
    if measured < SMALL:
        of = "" if measured == drawn[0] else f" (of some only {measured:,} were measured)"
        said.append(f"n is small{of}: FCD, SNN and Scaf of fewer than {SMALL:,} are not those of published tables.")
    if cut := sorted({text for model in models for record in model.records for text in _cut(record)}):
        said.append(f"{' and '.join(cut)}: SNN is lower than against the whole of it.")
    return " ".join(said)


def _cut(record: dict[str, Any]) -> list[str]:
    """The held-out splits of which an evaluation looked at a part."""
    reference = record.get("reference", {})
    rows, compared = reference.get("rows", {}), reference.get("compared", {})
    # some rows of a benchmark's file may be no molecules: a few per cent are no cut
    return [
        f"{compared[split]:,} of {rows[split]:,} molecules of {split!r} were compared with"
        for split in compared
        if rows.get(split, 0) * 0.95 > compared[split]
    ]


def _about(models: Sequence[Model]) -> str:
    """What stands beside a value."""
    several = any(len(model.records) > 1 for model in models)
    single = any(len(model.records) == 1 for model in models)
    said = (
        "In brackets 95 % intervals: how far a figure would move were as many molecules drawn again. " if single else ""
    )
    said += "±: standard deviation of a model's runs, about their mean. " if several else ""
    said += "Bold: the best of a row."
    if floor_of(models):
        said += " Training set: as many training molecules, which is what draws of their very distribution would reach."
    return said


def _metrics(models: Sequence[Model]) -> str:
    floor = floor_of(models)
    heads = [FLOOR] * bool(floor) + [model.title for model in models]
    drawn = [f"{floor.n:,}"] if floor else []
    drawn += [" and ".join(f"{n:,}" for n in model.drawn) for model in models]
    rows = [_row("n", [f'<td class="num">{text}</td>' for text in drawn])]
    for metric in names_of(models):
        value = floor.metrics.get(metric) if floor else None
        cells = [f'<td class="num quiet">{"–" if value is None else f"{value:.3f}"}</td>'] if floor else []
        top = best(models, metric)
        cells += [_cell(model, metric, model.name in top) for model in models]
        rows.append(_row(metric, cells))
    head = "".join(f'<th scope="col" class="num">{escape(name)}</th>' for name in heads)
    return (
        f'<div class="scroll"><table class="metrics"><thead><tr><th scope="col">Metric</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(name: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def _cell(model: Model, metric: str, marked: bool) -> str:
    found = model.cell(metric)
    if found is None:
        return f'<td class="num"><span title="{escape(model.note(metric))}">–</span></td>'
    spread = ""
    if found.bounds:
        spread = f"({found.bounds[0]:.3f} to {found.bounds[1]:.3f})"
    elif found.deviation is not None:
        spread = f"± {found.deviation:.3f}"
    if found.runs < len(model.records) > 1:
        spread += f" of {found.runs} run{'s' * (found.runs > 1)}"
    beside = f' <span class="quiet">{spread}</span>' if spread else ""
    return f'<td class="num{" best" if marked else ""}">{found.value:.3f}{beside}</td>'


def _notes(model: Model) -> str:
    texts = dict.fromkeys(f"{name}: {why}" for r in model.records for name, why in r.get("notes", {}).items())
    said = "".join(f"<li>{escape(text)}</li>" for text in texts)
    if not said:
        return ""
    return f'<details class="notes"><summary>Notes on {escape(model.name)}</summary><ul>{said}</ul></details>'


def _legend(models: Sequence[Model]) -> str:
    sets = [about for model in models for r in model.records for about in r.get("distributions", {}).values()]
    area = '<span class="key"><svg viewBox="0 0 28 12"><path class="area" d="M0 12V3H28V12Z"/></svg>training</span>'
    keys = [area] if any(about.get("train", {}).get("n") for about in sets) else []
    keys += [
        f'<span class="key"><svg viewBox="0 0 28 12"><path class="line s{i % SERIES}" d="M0 6H28"/></svg>'
        f"{escape(model.title)}</span>"
        for i, model in enumerate(models)
    ]
    return f'<div class="legend">{"".join(keys)}</div>'


def _histograms(models: Sequence[Model]) -> str:
    known = [(model.title, r.get("distributions", {})) for model in models for r in model.records]
    first: dict[str, Any] = next((of for _, of in known if of), {})
    figures = []
    for name, about in first.items():
        lines = [(title, _drawn(of.get(name))) for title, of in known]
        train = {**about["train"], "edges": about["edges"]} if about.get("train", {}).get("n") else None
        unit = f" ({about['unit']})" if about.get("unit") else ""
        chart = histogram(name, name.replace("_", " ") + unit, train, lines)
        figures.append(f"<figure><h3>{escape(name.replace('_', ' '))}</h3>{chart}</figure>")
    return "".join(figures) or '<p class="empty">No property distributions in these metrics.</p>'


def _drawn(distribution: dict[str, Any] | None) -> dict[str, Any] | None:
    """The histogram of the draws; None where there is no valid one."""
    if not distribution or not distribution["generated"]["n"]:
        return None
    return {**distribution["generated"], "edges": distribution["edges"]}


def _map(models: Sequence[Model], count: int, seed: int) -> str:
    """Draws in the two directions in which their fingerprints spread most (PCA of all models' together)."""
    chosen = [(place, smiles) for place, m in enumerate(models) for smiles in examples(m, count, seed)]
    bits = morgan_bits([_mol(smiles) for _, smiles in chosen], bits=1024).astype(np.float64)
    if len(chosen) < 3:
        return '<p class="empty">No draws beside these metrics, or too few for a map.</p>'
    bits -= bits.mean(axis=0)
    values, vectors = np.linalg.eigh(bits.T @ bits)
    at = bits @ vectors[:, -2:]
    share = values[-2:].sum() / max(values.sum(), 1e-12)
    frame = Frame(_span(at[:, 1]), _span(at[:, 0]), width=760, height=460, left=40, bottom=40)
    order = np.random.default_rng(0).permutation(len(chosen))  # so that no model lies on top of the others
    dots = []
    for i in order:
        x, y = frame.at(at[i, 1], at[i, 0])
        dots.append(f'<circle class="map s{chosen[i][0] % SERIES}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>')
    chart = frame.svg("Map of chemical space", frame.axes("first direction", "second direction", y_ticks=True), *dots)
    about = (
        f"At most {count:,} draws of each model; both directions hold {100 * share:.0f} % of the fingerprints' spread."
    )
    names = [m.title for m in models]
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 12 12"><circle class="map s{i % SERIES}" cx="6" cy="6" r="5"/></svg>'
        f"{escape(name)}</span>"
        for i, name in enumerate(names)
    )
    return f'<div class="legend">{keys}</div><figure>{chart}<figcaption>{about}</figcaption></figure>'


def _span(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.04 or 1.0
    return low - margin, high + margin


def _examples(model: Model, count: int, seed: int) -> str:
    drawn = [drawing(mol) for smiles in examples(model, count, seed) if (mol := _mol(smiles)) is not None]
    content = "".join(f'<span class="panel">{svg}</span>' for svg in drawn)
    return f'<h3>{escape(model.title)}</h3><div class="examples">{content or "No draws beside these metrics."}</div>'


def _costs(models: Sequence[Model]) -> str:
    steps = list(dict.fromkeys(step for model in models for costs in model.costs for step in costs))
    if not steps:
        return '<p class="empty">Not known: these metrics do not lie in a run of the workflow.</p>'
    head = "".join(f'<th scope="col">{escape(step)}</th>' for step in steps)
    rows = []
    for model in models:
        took = (" / ".join(costs.get(step) or "–" for costs in model.costs) for step in steps)
        rows.append(_row(model.title, [f"<td>{escape(text)}</td>" for text in took]))
    return (
        f'<div class="scroll"><table class="metrics"><thead><tr><th scope="col">Model</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _mol(smiles: str) -> Chem.Mol | None:
    try:
        return parse(smiles)
    except BadMolecule:
        return None
