"""Draws one molecule along its denoising path: `python benchmarks/denoising_path.py MODEL OUT.svg [--draw 0]`.

MODEL is a graph-diffusion model of the atom level. All frames use the places that the atoms have in the final molecule.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molgen.core import seeds
from molgen.generators.diffusion.batches import sizes_drawn
from molgen.generators.diffusion.denoising import times
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.folder import load_model
from molgen.represent.graphs import AtomSymbol, molecule_of

FRAME = 150  # pixels
SHOWN = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)  # times, as near as the steps come
COLOURS = {"N": "#2255cc", "O": "#cc2222", "F": "#228822", "S": "#aa8800", "Cl": "#228822", "Br": "#884400"}
LINES = {1: (0,), 2: (-2.5, 2.5), 3: (-4, 0, 4), 4: (-2.5, 2.5)}  # offsets of a bond's lines, by pair class


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--draw", type=int, default=0, help="number of the draw; the first valid one from it on is taken"
    )
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    model = load_model(options.model, device="cpu")
    if not isinstance(model, GraphDiffusion) or model.config.level != "atom":
        raise SystemExit(f"{options.model}: not a graph-diffusion model of level atom")
    how = DiffusionDrawing(steps=options.steps)
    draw = options.draw
    while (smiles := model.sample(1, seed=options.seed, first=draw, drawing=how).smiles[0]) is None:
        draw += 1
    uniforms = seeds.uniforms(seeds.child(options.seed, model.name, "size"), np.array([draw]), 1)[:, 0]
    size = int(sizes_drawn(model.counts.sizes, uniforms)[0])
    path = list(model.path(np.array([draw]), size, options.seed, how))
    grid = np.array(times(how.steps, how.distortion))
    chosen = [int(np.abs(grid - time).argmin()) for time in SHOWN]
    places = coordinates(path[-1], model.level.symbols)
    frames = [frame(path[k], model.level.symbols, places, f"t = {grid[k]:.2f}", i) for i, k in enumerate(chosen)]
    width, height = FRAME * len(frames), FRAME + 24
    options.out.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(frames)}</svg>\n'
    )
    print(f"draw {draw}, {smiles}: {options.out}")


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
    return places / max(float(np.abs(places).max()), 1.0) * (FRAME / 2 - 22) + FRAME / 2


def frame(graph: Graphs, symbols: tuple[AtomSymbol, ...], places: np.ndarray, title: str, number: int) -> str:
    """One state: bonds as lines (aromatic ones dashed on one side), atoms as their symbols."""
    parts = []
    for begin, end, kind in bonds_of(graph).tolist():
        (x1, y1), (x2, y2) = places[begin], places[end]
        length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
        across = (-(y2 - y1) / length, (x2 - x1) / length)
        for place, offset in enumerate(LINES[kind]):
            dx, dy = offset * across[0], offset * across[1]
            dash = ' stroke-dasharray="3 3"' if kind == 4 and place == 1 else ""
            ends = f'x1="{x1 + dx:.1f}" y1="{y1 + dy:.1f}" x2="{x2 + dx:.1f}" y2="{y2 + dy:.1f}"'
            parts.append(f'<line {ends} stroke="#444"{dash}/>')
    for (x, y), k in zip(places, graph.nodes[0].tolist(), strict=True):
        text = str(symbols[k])
        colour = COLOURS.get(text.strip("[]+-H23").capitalize(), "#222")
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="white"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="12" fill="{colour}">{text}</text>'
        )
    label = f'<text x="{FRAME / 2}" y="{FRAME + 16}" text-anchor="middle" font-size="13" fill="#222">{title}</text>'
    return f'<g font-family="sans-serif" transform="translate({number * FRAME} 0)">{"".join(parts)}{label}</g>'


if __name__ == "__main__":
    main()
