"""A graph-diffusion model whose classes of nodes are believed as often as they occur: `python benchmarks/balanced.py
MODEL FEATURES OUT [--graphs 12000] [--rounds 3]`.

AdamW without `training.logits_floor` makes rare classes rarer than they are. Here each class's bias is raised by the
log of how often it occurs, over how often it is believed where noise hides it; over noisy training graphs, some times.
Beside each round stand both shares, for classes by their rank in frequency.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from molgen.data.store import Store
from molgen.generators.diffusion.batches import spread_times
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.folder import load_model

RANKS = [0, 20, 160, 640, 1280, 1 << 20]
MOST = 4.0  # nats a round
BATCH = 256


def beliefs(model: GraphDiffusion, store: Store, rows: np.ndarray, generator: torch.Generator) -> Iterator[Tensor]:
    """What is believed of the hidden nodes of some rows' graphs, at the times of training: (nodes, classes)."""
    for batch in model.row_batches(store, rows, BATCH):
        sizes = model.level.sizes(store, batch)
        for n in np.unique(sizes):
            clean = model.level.graphs(store, batch[sizes == n])
            time = spread_times(len(clean.nodes), generator)
            uniforms = [torch.rand((2, *part.shape), generator=generator) for part in clean]
            parts = zip(model.noises, clean, uniforms, strict=True)
            noisy = Graphs(*(kind.blur(part, time, kind.draw(u[0]), u[1]) for kind, part, u in parts))
            logits, _ = model.beliefs.logits(noisy, time, None)
            yield torch.softmax(logits[uniforms[0][1] >= time], -1)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--graphs", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model = load_model(options.model)
    if not isinstance(model, GraphDiffusion):
        raise SystemExit(f"{options.model}: not a graph-diffusion model")
    store, generator = Store.open(options.features), torch.Generator().manual_seed(1)
    rows = model.usable(store, store.rows("train")[: 2 * options.graphs])[: options.graphs]
    share = model.noises.nodes.prior.numpy()
    order = np.argsort(-share, kind="stable")
    for turn in range(options.rounds):
        believed, count = np.zeros(len(share)), 0
        for found in beliefs(model, store, rows, generator):
            believed += found.double().sum(0).numpy()
            count += len(found)
        believed /= count
        for low, high in pairwise(RANKS):
            some = order[low:high]
            print(f"round {turn}  ranks {low:>5}-  occurs {share[some].sum():.4f}  believed {believed[some].sum():.4f}")
        gain = np.log(share, where=share > 0, out=np.zeros_like(share)) - np.log(believed.clip(1e-30))
        model.network.nodes.logits.bias.add_(torch.from_numpy(np.where(share > 0, gain, 0).clip(-MOST, MOST)).float())
    options.out.mkdir()
    model.save(options.out)


if __name__ == "__main__":
    main()
