"""The page's charts as SVG written here: step histograms and line charts, in the classes that page.css colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Point = tuple[float, float]
SERIES = 6  # distinct line styles in page.css (s0 ... s5); colour and dash both change


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers inside [low, high], 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A number for an axis: `2.5`, `400`, `20k`, `1.5M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    return f"{value:.4g}"


class Frame:
    """A plot area with linear axes: turns values into pixels and draws what stands around the data."""

    def __init__(self, x: Point, y: Point, *, width: int, height: int, left: int, bottom: int) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height
        self.box = (left, 8, width - 12, height - bottom)  # left, top, right, bottom in pixels

    def at(self, x: float, y: float) -> Point:
        """Pixels of a point, held inside the plot area."""
        left, top, right, bottom = self.box
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return left + min(max(across, 0), 1) * (right - left), bottom - min(max(up, 0), 1) * (bottom - top)

    def line(self, points: Sequence[Point]) -> str:
        """Path data through the points."""
        pixels = [self.at(*p) for p in points]
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pixels)

    def axes(self, x_label: str, y_label: str, *, y_ticks: bool) -> str:
        """Axis lines, ticks, grid and labels."""
        left, top, right, bottom = self.box
        parts = [f'<path class="axis" d="M{left} {bottom}H{right}"/>']
        for value in ticks(*self.x):
            x = self.at(value, 0)[0]
            parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{short(value)}</text>')
        for value in ticks(*self.y) if y_ticks else ():
            y = self.at(self.x[0], value)[1]
            parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
        middle = (left + right) / 2
        parts.append(
            f'<text class="label" x="{middle:.0f}" y="{self.height - 4}" text-anchor="middle">{escape(x_label)}</text>'
        )
        y_middle = (top + bottom) / 2
        parts.append(
            f'<text class="label" transform="translate(12 {y_middle:.0f}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )
        return "".join(parts)

    def svg(self, title: str, *content: str) -> str:
        """The whole chart, named for those who cannot see it."""
        return (
            f'<svg class="chart" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(title)}">'
            f"{''.join(content)}</svg>"
        )


def steps(edges: Sequence[float], counts: Sequence[int]) -> list[Point]:
    """The outline of a histogram as a density, from axis to axis."""
    total = sum(counts) or 1
    points = [(edges[0], 0.0)]
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        density = count / total / (high - low)
        points += [(low, density), (high, density)]
    return [*points, (edges[-1], 0.0)]


def histogram(
    title: str,
    label: str,
    train: Mapping[str, Any] | None,
    families: Sequence[tuple[str, Mapping[str, Any] | None]],
) -> str:
    """Training molecules as an area, each family's molecules as a line. A set: `{"edges": ..., "counts": ...}`.

    Lines of one name, of several seeds, are drawn alike. A family without a set has no line, but its colour is kept
    for it, so that the others have theirs in every figure.
    """
    names = list(dict.fromkeys(name for name, _ in families))
    area = steps(train["edges"], train["counts"]) if train else []
    outlines = [(names.index(name), steps(s["edges"], s["counts"])) for name, s in families if s]
    points = [*area, *(p for _, outline in outlines for p in outline)]
    if not points:
        return ""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    frame = Frame((low, high), (0, max(y for _, y in points) * 1.06), width=320, height=200, left=26, bottom=40)
    content = [frame.axes(label, "share", y_ticks=False)]
    if area:
        content.append(f'<path class="area" d="{frame.line(area)}Z"/>')
    for place, outline in outlines:
        content.append(f'<path class="line s{place % SERIES}" d="{frame.line(outline)}"/>')
    return frame.svg(f"Histogram of {title}: generated against training molecules", *content)


def curves(title: str, splits: Mapping[str, Sequence[Point]]) -> str:
    """Loss against molecules seen; at most 400 points a line, the valid losses marked."""
    points = [p for curve in splits.values() for p in curve]
    losses = sorted(y for _, y in points)
    top = losses[min(len(losses) - 1, int(len(losses) * 0.98))]  # the first few steps would flatten the rest
    low, high = losses[0], max(top, losses[0] + 1e-6)
    margin = (high - low) * 0.06
    right = max(x for x, _ in points)
    frame = Frame((0, right), (low - margin, high + margin), width=560, height=260, left=58, bottom=42)
    content = [frame.axes("molecules seen", "loss", y_ticks=True)]
    for place, name in enumerate(sorted(splits)):  # train before valid, which lies on top
        curve = splits[name][:: max(1, len(splits[name]) // 400)]
        content.append(f'<path class="line s{place % SERIES}" d="{frame.line(curve)}"/>')
        if name != "train":
            dots = (frame.at(*p) for p in curve)
            content.append("".join(f'<circle class="dot s{place}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in dots))
    return frame.svg(f"Training curves of {title}", *content)
