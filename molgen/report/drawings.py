"""Molecules as small SVG drawings that follow the page's colours.

RDKit draws; the result is rewritten: one path a colour instead of one a bond (a tenth of the size), and colour
classes instead of colours, so that the same drawing works on paper, in the light and in the dark.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

PIXELS_PER_ANGSTROM = 15.5  # the same bond length (about 23 px) in every drawing
FONT_SIZE = 12
LINE_WIDTH = 1.4
FEWEST_COMMON = 4  # atoms that say how another molecule is laid
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


def drawing(mol: Chem.Mol, like: Chem.Mol | None = None, pairs: Sequence[tuple[int, int]] = ()) -> str:
    """An `<svg>` of a molecule with transparent background; its classes stand in page.css.

    `like` has coordinates: its atoms are drawn where they stand there, if the molecule has it, or those that are the
    first of `pairs` (an atom of `like`, an atom of the molecule). The attribute `data-xy` holds the place of each atom,
    in the order of the SMILES, for marks that the page lays over it.
    """
    mol = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(mol)
    if like is None or not _lay_on(mol, like, pairs):
        rdDepictor.StraightenDepiction(mol)
    canvas = rdMolDraw2D.MolDraw2DSVG(-1, -1)
    options: Any = canvas.drawOptions()
    options.clearBackground = False
    options.scalingFactor = PIXELS_PER_ANGSTROM
    options.fixedFontSize = FONT_SIZE
    options.bondLineWidth = LINE_WIDTH
    options.padding = 0.03
    canvas.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(mol, addChiralHs=False))
    places = [canvas.GetDrawCoords(i) for i in range(mol.GetNumAtoms())]
    canvas.FinishDrawing()
    return compact(canvas.GetDrawingText(), " ".join(f"{p.x:.0f},{p.y:.0f}" for p in places))


def scaffold_template(smiles: str) -> Chem.Mol | None:
    """A scaffold with coordinates, for `drawing`; None for the empty one."""
    template = Chem.MolFromSmiles(smiles) if smiles else None
    return _laid(template) if template is not None and template.GetNumAtoms() else None


def beside(mol: Chem.Mol, other: Chem.Mol, pairs: Sequence[tuple[int, int]]) -> str:
    """The drawing of `other` with its part of each pair where its partner of `mol` lies in the drawing of `mol`."""
    return drawing(other, _laid(mol), pairs) if len(pairs) >= FEWEST_COMMON else drawing(other)


def _laid(mol: Chem.Mol) -> Chem.Mol:
    laid = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(laid)
    rdDepictor.StraightenDepiction(laid)
    return laid


def _lay_on(mol: Chem.Mol, like: Chem.Mol, pairs: Sequence[tuple[int, int]]) -> bool:
    found = list(pairs) or list(enumerate(mol.GetSubstructMatch(like)))
    if not found:
        return False
    rdDepictor.GenerateDepictionMatching2DStructure(mol, like, found)
    return True


def compact(svg: str, places: str = "") -> str:
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
    where = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" data-xy="{places}"'
    return f'<svg class="mol" {where}>{"".join(paths)}</svg>'


def _shorter(d: str) -> str:
    return re.sub(r"\s*([MLQCZ])\s*", r"\1", re.sub(r",?\s+", " ", d)).strip()
