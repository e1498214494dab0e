"""How a search went: best-so-far curves, the area under them, and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from molgen.optimize.experience import Experience

TOP = 10
STEP = 100  # calls between points of the area (the PMO benchmark's; Gao et al. 2022)
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7c3aed", "#be185d", "#525252")


def mean_of_best(scores: np.ndarray, count: int = TOP) -> np.ndarray:
    """The mean of the best `count` scores after each call, float64 (calls,); of all while there are fewer."""
    best: list[float] = []
    out = np.zeros(len(scores))
    for place, score in enumerate(scores.tolist()):
        if len(best) < count:
            best.append(score)
        elif score > min(best):
            best[best.index(min(best))] = score
        out[place] = sum(best) / len(best)
    return out


def area(scores: np.ndarray, budget: int, count: int = TOP) -> float:
    """Area under the mean of the best `count` over the calls, 0 to 1 as the scores are (the PMO benchmark's AUC).

    Trapezia over every `STEP` calls; a search that ended early runs on at its last value.
    """
    if not len(scores):
        return 0.0
    curve = mean_of_best(scores, count)
    places = [*range(STEP, min(len(scores), budget), STEP), len(scores)]
    values = [0.0, *(float(curve[place - 1]) for place in places)]
    total = sum(
        (end - begin) * (low + high) / 2
        for begin, end, low, high in zip([0, *places[:-1]], places, values[:-1], values[1:], strict=True)
    )
    return (total + max(budget - len(scores), 0) * values[-1]) / budget


def figures(experience: Experience, budget: int) -> dict[str, Any]:
    """The figures of a search, over molecules that pass the filters."""
    scores = experience.scores(passed=True)
    order = np.argsort(-scores, kind="stable")[:TOP]
    return {
        "calls": len(experience),
        "budget": budget,
        "scored": sum(row["score"] is not None for row in experience.rows),
        "passed": sum(row["passed"] for row in experience.rows),
        "best": float(scores.max(initial=0)),
        f"top{TOP}": float(scores[order].mean()) if len(order) else 0.0,
        f"auc_top{TOP}": area(scores, budget),
        "best_molecules": [experience.rows[i]["smiles"] for i in order.tolist()],
    }


def curve_svg(
    curves: Mapping[str, Sequence[np.ndarray]], what: str = "mean of the best ten", width: int = 640, height: int = 360
) -> str:
    """A figure against calls as SVG: a line a strategy (the mean over seeds), a band of one deviation."""
    left, top, right, bottom = 56, 16, width - 150, height - 44
    calls = max((len(curve) for seeds in curves.values() for curve in seeds), default=1)
    highest = max((float(c.max(initial=0)) for seeds in curves.values() for c in seeds), default=1.0) or 1.0
    places = np.unique(np.linspace(1, calls, 200).astype(int))

    def at(call: float, value: float) -> str:
        return f"{left + (right - left) * call / calls:.1f},{bottom - (bottom - top) * value / (1.05 * highest):.1f}"

    parts = [f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#555"/>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(share * calls, 0).split(",")[0], at(0, share * highest).split(",")[1]
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{share * calls:,.0f}</text>')
        parts.append(f'<text x="{left - 6}" y="{y}" text-anchor="end" dy="4">{share * highest:.2f}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{height - 8}" text-anchor="middle">scored molecules</text>')
    turned = f'transform="translate(14 {(top + bottom) / 2}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{what}</text>')
    for number, (name, seeds) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        rows = np.array([[curve[min(place, len(curve)) - 1] for place in places] for curve in seeds if len(curve)])
        if not len(rows):
            continue
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        if len(rows) > 1:
            band = [at(p, m + s) for p, m, s in zip(places, mean, spread, strict=True)]
            band += [at(p, max(m - s, 0)) for p, m, s in zip(places[::-1], mean[::-1], spread[::-1], strict=True)]
            parts.append(f'<polygon points="{" ".join(band)}" fill="{colour}" opacity="0.15"/>')
        line = " ".join(at(p, m) for p, m in zip(places, mean, strict=True))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = f"{name} ({len(rows)})" if len(rows) > 1 else name
        parts.append(f'<text x="{right + 10}" y="{top + 16 + 18 * number}" fill="{colour}">{escape(label)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{what.capitalize()} against scored molecules" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
