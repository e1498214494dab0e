"""The page's colours: contrast of at least 4.5 for text and 3 for lines, in light and in dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("molgen.report").joinpath("page.css").read_text()
TEXT = [("ink", "bg"), ("ink", "panel"), ("ink", "soft"), ("ink", "accent-soft"), ("quiet", "bg"), ("quiet", "panel")]
TEXT += [("quiet", "soft"), ("accent", "panel"), ("accent", "bg"), ("accent", "accent-soft"), ("warn", "warn-soft")]
TEXT += [(verdict, where) for verdict in ("like", "maybe", "reject") for where in ("panel", f"{verdict}-soft")]
TEXT += [(atom, "panel") for atom in ("n", "o", "s", "f", "cl", "br", "i", "p")]
LINES = [(atom, mark) for mark in ("hit", "alert", "changed", "painted") for atom in ("ink", "n", "o", "s", "f", "cl")]
LINES += [(f"s{i}", "panel") for i in range(6)] + [("s0", "train"), ("fill", "soft"), ("train-line", "panel")]


def colours(scheme: str) -> dict[str, str]:
    """The custom properties of a scheme; the first block is the light one, the next the dark one."""
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_lines_stand_out(scheme):
    found = colours(scheme)
    low = [(a, b, round(contrast(found[a], found[b]), 2)) for a, b in TEXT if contrast(found[a], found[b]) < 4.5]
    low += [(a, b, round(contrast(found[a], found[b]), 2)) for a, b in LINES if contrast(found[a], found[b]) < 3]
    assert not low


def test_every_colour_that_is_used_is_defined():
    used = set(re.findall(r"var\(--([\w-]+)", CSS))
    sizes = {"drawing", "scale", "w"}  # set by the page
    assert used - sizes - {"c"} <= set(colours("light")) | {"shadow"}
    assert set(colours("light")) == set(colours("dark"))
