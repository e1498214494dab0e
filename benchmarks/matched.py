"""A graph-diffusion model that draws its frequent classes of nodes as often as they occur:
`python benchmarks/matched.py MODEL DRAWS OUT [--ranks 640] [--shrink 5]`.

`balanced.py` makes what is believed agree with the data. Errors of many steps, and draws made again because they were
no molecules, still leave some classes drawn too often and others too seldom. Here each of the most frequent classes
has its bias raised by the log of how often it occurs, over how often it is in the draws (a table of `molgen sample`, of
the model itself), both with SHRINK more, so that what is seen a few times moves little. Prints both figures, nodes a
molecule, for the classes that move most.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.folder import load_model

SHOWN = 12


def drawn(model: GraphDiffusion, table: Path) -> tuple[np.ndarray, int]:
    """How often each class of node is in the valid draws of a table, and the draws counted."""
    graphs = [model.level.graph(smiles) for smiles in pd.read_parquet(table).smiles.dropna()]
    nodes = [graph.nodes[0].numpy() for graph in graphs if graph is not None]
    return np.bincount(np.concatenate(nodes), minlength=model.level.node_classes), len(nodes)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("draws", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--ranks", type=int, default=640)
    parser.add_argument("--shrink", type=float, default=5)
    options = parser.parse_args()
    model = load_model(options.model)
    if not isinstance(model, GraphDiffusion):
        raise SystemExit(f"{options.model}: not a graph-diffusion model")
    found, molecules = drawn(model, options.draws)
    occurs = np.array(model.counts.nodes)
    expected = occurs * found.sum() / occurs.sum()
    gain = np.log(expected + options.shrink) - np.log(found + options.shrink)
    gain[np.argsort(-occurs, kind="stable")[options.ranks :]] = 0
    for k in np.argsort(-np.abs(gain))[:SHOWN]:
        print(f"class {k:>5}  occurs {expected[k] / molecules:.4f}  drawn {found[k] / molecules:.4f}  {gain[k]:+.2f}")
    model.network.nodes.logits.bias.add_(torch.from_numpy(gain).float())
    options.out.mkdir()
    model.bfloat16().save(options.out)


if __name__ == "__main__":
    main()
