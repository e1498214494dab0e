"""Draws one molecule along its denoising path: `python benchmarks/denoising_path.py MODEL OUT.png [--draw 0]`.

MODEL is a graph-diffusion model of the atom level; OUT ends in .png or .svg. All frames use the places that the atoms
have in the final molecule. The first valid draw from `--draw` on is taken that has as many atoms as `--atoms` asks for.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw.rdMolDraw2D import MolDraw2DCairo, MolDraw2DSVG
from rdkit.Geometry import Point2D

from molgen.generators.diffusion.atoms import AtomLevel
from molgen.generators.diffusion.denoising import times
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.folder import load_model
from molgen.represent.graphs import AtomSymbol, molecule_of

FRAME = 260  # pixels
MARGIN = 32  # around the molecule, and of the line of text below it
LOOKED_AT = 640  # draws, until it is given up
SHOWN = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)  # times, as near as the steps come
COLOURS = {7: (0.13, 0.33, 0.8), 8: (0.8, 0.13, 0.13), 16: (0.6, 0.5, 0), 17: (0.13, 0.5, 0.13), 9: (0.13, 0.5, 0.13)}
DARK, GREY, WHITE = (0.13, 0.13, 0.13), (0.4, 0.4, 0.4), (1.0, 1.0, 1.0)
LINES = {1: (0,), 2: (-3, 3), 3: (-5, 0, 5), 4: (-3, 3)}  # offsets of a bond's lines, by pair class
MIDDLE = 0  # of a text's alignments
Picture = MolDraw2DCairo | MolDraw2DSVG


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--atoms", type=int, default=0, help="at least")
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    if options.out.suffix not in (".png", ".svg"):
        raise SystemExit(f"{options.out}: give a name that ends in .png or .svg")
    model = load_model(options.model, device="cpu")
    if not isinstance(model, GraphDiffusion) or not isinstance(model.level, AtomLevel):
        raise SystemExit(f"{options.model}: not a graph-diffusion model of level atom")
    how = DiffusionDrawing(steps=options.steps)
    draw, smiles = chosen_draw(model, options.draw, options.atoms, options.seed, how)
    path = list(model.path(np.array([draw]), Chem.MolFromSmiles(smiles).GetNumAtoms(), options.seed, how))
    grid = np.array(times(how.steps, how.distortion))
    shown = [int(np.abs(grid - time).argmin()) for time in SHOWN]
    kind = MolDraw2DCairo if options.out.suffix == ".png" else MolDraw2DSVG
    picture = kind(FRAME * len(shown), FRAME + MARGIN)
    draw_frames(picture, [path[k] for k in shown], [f"t = {grid[k]:.2f}" for k in shown], model.level.symbols)
    text = picture.GetDrawingText()
    options.out.write_bytes(text if isinstance(text, bytes) else text.encode())
    print(f"draw {draw}, {smiles}: {options.out}")


def chosen_draw(model: GraphDiffusion, first: int, atoms: int, seed: int, how: DiffusionDrawing) -> tuple[int, str]:
    """Number and SMILES of the first draw that is a molecule of so many atoms."""
    for begin in range(first, first + LOOKED_AT, 64):
        for number, smiles in enumerate(model.sample(64, seed=seed, first=begin, drawing=how).smiles, begin):
            if smiles is not None and Chem.MolFromSmiles(smiles).GetNumAtoms() >= atoms:
                return number, smiles
    raise SystemExit(f"none of {LOOKED_AT} draws is a molecule of {max(atoms, 1)} or more atoms")


def draw_frames(picture: Picture, states: list[Graphs], titles: list[str], symbols: tuple[AtomSymbol, ...]) -> None:
    """The states side by side; the last one is the molecule."""
    picture.ClearDrawing()
    picture.SetFillPolys(True)
    places = coordinates(states[-1], symbols)
    for number, (state, title) in enumerate(zip(states, titles, strict=True)):
        frame(picture, state, symbols, places + np.array([number * FRAME, 0]))
        picture.SetFontSize(17)
        picture.SetColour(DARK)
        picture.DrawString(title, Point2D((number + 0.5) * FRAME, FRAME + MARGIN / 3), MIDDLE, rawCoords=True)
    picture.FinishDrawing()


def bonds_of(graph: Graphs) -> np.ndarray:
    """(bonds, 3): begin, end, pair class."""
    above, below = np.triu_indices(graph.size, 1)
    classes = graph.pairs[0].numpy()
    joined = np.flatnonzero(classes)
    return np.stack([above[joined], below[joined], classes[joined]], 1)


def coordinates(graph: Graphs, symbols: tuple[AtomSymbol, ...]) -> np.ndarray:
    """Places of the atoms of the final molecule, (atoms, 2), in pixels of a frame."""
    bonds = bonds_of(graph)
    bonds[:, 2] -= 1
    mol = molecule_of([symbols[k] for k in graph.nodes[0].tolist()], bonds)
    Chem.SanitizeMol(mol)
    rdDepictor.Compute2DCoords(mol)
    places = mol.GetConformer().GetPositions()[:, :2]
    places = places - (places.max(0) + places.min(0)) / 2
    return places / max(float(np.abs(places).max()), 1.0) * (FRAME / 2 - MARGIN) + FRAME / 2


def frame(picture: Picture, graph: Graphs, symbols: tuple[AtomSymbol, ...], places: np.ndarray) -> None:
    """One state: bonds as lines (aromatic ones dashed on one side), atoms as their symbols."""
    picture.SetColour(GREY)
    picture.SetLineWidth(2)
    for begin, end, kind in bonds_of(graph).tolist():
        first, last = places[begin], places[end]
        along = (last - first) / max(float(np.hypot(*(last - first))), 1e-6)
        for number, offset in enumerate(LINES[kind]):
            start = first + offset * np.array([-along[1], along[0]])
            pieces = 9 if kind == 4 and number == 1 else 1  # every second one is drawn
            stops = [start + (last - first) * k / pieces for k in range(pieces + 1)]
            for one, other in list(pairwise(stops))[::2]:
                picture.DrawLine(Point2D(*one), Point2D(*other), rawCoords=True)
    picture.SetFontSize(15)
    for (x, y), k in zip(places, graph.nodes[0].tolist(), strict=True):
        picture.SetColour(WHITE)
        picture.DrawEllipse(Point2D(x - 9, y - 9), Point2D(x + 9, y + 9), rawCoords=True)
        picture.SetColour(COLOURS.get(symbols[k].atomic_number, DARK))
        picture.DrawString(str(symbols[k]), Point2D(x, y), MIDDLE, rawCoords=True)


if __name__ == "__main__":
    main()
