"""The transforms of an objective as one SVG picture: a panel a component, desirability over the raw value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from rdkit import Chem

from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError
from molgen.report.charts import Frame, Point
from molgen.scoring.component import ComponentSettings, Scorer
from molgen.scoring.drugs import DRUGS
from molgen.scoring.evaluator import NO_TRANSFORM
from molgen.scoring.explain import scorers_of
from molgen.scoring.external import External
from molgen.scoring.http import Http
from molgen.scoring.objective import Objective, measure

WIDTH, HEIGHT, HEAD, PER_ROW = 340, 210, 26, 3  # of a panel in pixels, the line above it, panels side by side
TOP = 52  # where the first panels begin, below the title and their names
POINTS = 401
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#52606d}.name{font-size:13px;font-weight:600;fill:#17212d}"
    ".axis{stroke:#8994a1;fill:none}.grid{stroke:#dde2e8;fill:none}.line{stroke:#0072b2;stroke-width:2;fill:none}"
    ".usual{fill:#eef1f5}.dot{fill:#c2500a;fill-opacity:.75}"
)


def plot(objective: Objective, out: Path) -> None:
    """Writes the picture, whole or not at all; a finished one of the same objective is left alone.

    Dots are the ten drugs of `molgen.scoring.drugs`, the grey band is where drug-like molecules lie. What programs and
    services answer is not asked for: their panels have neither.
    """
    if out.suffix != ".svg":
        raise InputError(f"{out}: --out must end in .svg, a picture that every browser shows")
    identity = Identity.of("objective plot", objective.values(), {})
    if already_made(out, identity):
        return
    with building(out, identity) as aside:
        aside.write_text(picture(objective, scorers_of(objective)), encoding="utf-8")


def picture(objective: Objective, scorers: Mapping[str, Scorer]) -> str:
    """The SVG document."""
    mols = [Chem.MolFromSmiles(smiles) for smiles in DRUGS.values()]
    panels = [_panel(component, scorers[measure(component)], mols) for component in objective.components]
    across = min(PER_ROW, len(panels))
    down = -(-len(panels) // PER_ROW)
    placed = [
        f'<g transform="translate({place % PER_ROW * WIDTH} {TOP + place // PER_ROW * (HEIGHT + HEAD)})">{panel}</g>'
        for place, panel in enumerate(panels)
    ]
    width, height = across * WIDTH, TOP + down * (HEIGHT + HEAD)
    title = f"Objective {objective.name}: {objective.aggregation}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(title)}"><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="name" x="12" y="18">{escape(title)}; dots are ten common drugs</text>{"".join(placed)}</svg>\n'
    )


def _panel(component: ComponentSettings, scorer: Scorer, mols: Sequence[Chem.Mol]) -> str:
    transform = component.transform or NO_TRANSFORM
    found = np.empty(0) if isinstance(scorer, External | Http) else scorer.score(mols)
    low, high = _range(component, scorer, found[~np.isnan(found)])
    values = np.unique(np.append(np.linspace(low, high, POINTS), np.arange(np.ceil(low), np.floor(high) + 1)))
    frame = Frame((low, high), (0.0, 1.0), width=WIDTH, height=HEIGHT, left=46, bottom=40)
    unit = f", {scorer.unit}" if scorer.unit else ""
    content = [frame.axes(f"{component.type}{unit}", "desirability", y_ticks=True)]
    if not np.isnan(scorer.usual[0]):
        (left, top), (right, bottom) = frame.at(scorer.usual[0], 1), frame.at(scorer.usual[1], 0)
        band = (
            f'<rect class="usual" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>'
        )
        content.insert(0, band)
    content.append(f'<path class="line" d="{frame.line(_points(values, transform(values)))}"/>')
    for value, height in _points(found, transform(found)):
        if not np.isnan(value):
            x, y = frame.at(value, height)
            content.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
    name = f"{component.name} (weight {component.weight:g}, {transform.type})"
    return f'<text class="name" x="46" y="0">{escape(name)}</text>{"".join(content)}'


def _points(x: np.ndarray, y: np.ndarray) -> list[Point]:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def _range(component: ComponentSettings, scorer: Scorer, found: np.ndarray) -> Point:
    """What is in view: where drug-like molecules and the ten drugs lie, and where the transform does something."""
    ends = [float(value) for value in (*scorer.usual, *found) if not np.isnan(value)]
    if component.transform is not None and component.transform.span is not None:
        low, high = component.transform.span
        margin = 0.0 if ends else 0.2 * ((high - low) or 1.0)
        ends += [low - margin, high + margin]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    return low, high if high > low else low + 1.0
