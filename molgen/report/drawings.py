"""Molecules as small SVG drawings that follow the page's colours.

RDKit draws; the result is rewritten: one path a colour instead of one a bond (a tenth of the size), and colour
classes instead of colours, so that the same drawing works on paper, in the light and in the dark.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

PIXELS_PER_ANGSTROM = 15.5  # the same bond length (about 23 px) in every drawing
FONT_SIZE = 12
LINE_WIDTH = 1.4
# RDKit's default palette to the class names that page.css colours
COLOURS = {
    "#000000": "c",
    "#0000FF": "n",
    "#FF0000": "o",
    "#CCCC00": "s",
    "#33CCCC": "f",
    "#00CC00": "cl",
    "#7F4C19": "br",
    "#A01EEF": "i",
    "#FF7F00": "p",
}

_PATH = re.compile(r"<path [^>]*?\bd='([^']*)'([^>]*)>", re.DOTALL)
_STROKE = re.compile(r"stroke:(#[0-9A-Fa-f]{6})")
_FILL = re.compile(r"fill(?:=|:)'?(#[0-9A-Fa-f]{6})")
_SIZE = re.compile(r"viewBox='0 0 (\d+) (\d+)'")


def drawing(mol: Chem.Mol) -> str:
    """An `<svg>` of a molecule with transparent background; its classes stand in page.css."""
    mol = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(mol)
    rdDepictor.StraightenDepiction(mol)
    canvas = rdMolDraw2D.MolDraw2DSVG(-1, -1)
    options: Any = canvas.drawOptions()
    options.clearBackground = False
    options.scalingFactor = PIXELS_PER_ANGSTROM
    options.fixedFontSize = FONT_SIZE
    options.bondLineWidth = LINE_WIDTH
    options.padding = 0.03
    canvas.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(mol, addChiralHs=False))
    canvas.FinishDrawing()
    return compact(canvas.GetDrawingText())


def compact(svg: str) -> str:
    """RDKit's SVG with the paths of each colour joined, and classes instead of styles."""
    size = _SIZE.search(svg)
    width, height = size.groups() if size else ("100", "100")
    lines: dict[str, list[str]] = defaultdict(list)
    shapes: dict[str, list[str]] = defaultdict(list)
    for d, rest in _PATH.findall(svg):
        fill, stroke = _FILL.search(rest), _STROKE.search(rest)
        colour = fill or stroke
        if colour is not None:
            name = COLOURS.get(colour.group(1).upper(), "c")
            (shapes if fill else lines)[name].append(_shorter(d))
    paths = [f'<path class="l {name}" d="{"".join(parts)}"/>' for name, parts in lines.items()]
    paths += [f'<path class="a {name}" d="{"".join(parts)}"/>' for name, parts in shapes.items()]
    return f'<svg class="mol" viewBox="0 0 {width} {height}" width="{width}" height="{height}">{"".join(paths)}</svg>'


def _shorter(d: str) -> str:
    return re.sub(r"\s*([MLQCZ])\s*", r"\1", re.sub(r",?\s+", " ", d)).strip()
