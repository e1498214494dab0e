"""Settings and provenance as HTML: the run's config, and for each artifact what it was made from and with."""

from __future__ import annotations

from html import escape
from typing import Any

import yaml

from molgen.report.charts import SERIES, curves
from molgen.report.run import Run


def training(run: Run) -> str:
    """A chart a family of its losses, with the last and the best validation loss in words."""
    if not run.curves:
        return '<p class="empty">No training curves in this run. <code>molgen train</code> writes them.</p>'
    return f'<div class="figures wide">{"".join(_curve(f, c) for f, c in run.curves.items())}</div>'


def _curve(family: str, splits: dict[str, list[tuple[float, float]]]) -> str:
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 28 12"><path class="line s{i % SERIES}" d="M0 6H28"/></svg>'
        f"{escape(name)}</span>"
        for i, name in enumerate(sorted(splits))
    )
    said = [f"{n} ends at {c[-1][1]:.3f} after {c[-1][0]:,.0f} molecules" for n, c in sorted(splits.items())]
    if "valid" in splits:
        said.append(f"lowest valid loss {min(y for _, y in splits['valid']):.3f}")
    return (
        f'<figure><h3>{escape(family)}</h3><div class="legend">{keys}</div>{curves(family, splits)}'
        f"<figcaption>{escape('; '.join(said))}.</figcaption></figure>"
    )


def settings(run: Run) -> str:
    """The run's resolved config, and the settings of each artifact, behind folds."""
    parts = []
    if run.config:
        parts.append(_fold("Workflow config (run.yaml)", _yaml(run.config)))
    for name, record in run.provenance.items():
        identity = record.get("identity", {})
        parts.append(_fold(f"{name}: settings of {identity.get('verb', '?')}", _yaml(identity.get("settings") or {})))
    return "".join(parts) or '<p class="empty">This run holds no settings.</p>'


def provenance(run: Run) -> str:
    """A row an artifact: verb, seed, version, identity; then the versions of the libraries.

    Times and hosts stay in the provenance files, so that the same run gives the same page."""
    if not run.provenance:
        return '<p class="empty">This run holds no provenance records.</p>'
    rows = "".join(_row(name, record) for name, record in run.provenance.items())
    head = "".join(f'<th scope="col">{h}</th>' for h in ("Artifact", "Verb", "Seed", "molgen", "Identity"))
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    libraries: dict[str, str] = {}
    for record in run.provenance.values():
        libraries |= record.get("made", {}).get("libraries", {})
    versions = ", ".join(f"{name} {version}" for name, version in sorted(libraries.items()))
    return table + (f'<p class="quiet">Libraries: {escape(versions)}.</p>' if versions else "")


def _row(name: str, record: dict[str, Any]) -> str:
    identity, made = record.get("identity", {}), record.get("made", {})
    seed = identity.get("seed")
    cells = [identity.get("verb", ""), "" if seed is None else seed, made.get("molgen", "")]
    texts = "".join(f"<td>{escape(str(c))}</td>" for c in cells)
    key = escape(str(record.get("key", "")))
    return f'<tr><th scope="row">{escape(name)}</th>{texts}<td><code>{key}</code></td></tr>'


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(body)}</pre></details>"


def _yaml(values: Any) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100) if values else "(none)"
