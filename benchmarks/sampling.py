"""Sampling speed of the SMILES networks beside an LSTM of REINVENT 4's shape, one thread, one run.

    python benchmarks/sampling.py [train.smi] [--n 2048] [--rounds 2]

Prints molecules per CPU-second. The weights are random, so each network is made to write the same real molecules: what
it would have drawn is replaced by the next token of one, and all the work of a draw is done. The peer is three LSTM
layers of 512 behind an embedding of 256, drawn from token by token in float32 until all sequences of a batch have
ended, with torch's own LSTM and `multinomial`: that program's network and way of drawing, not its code.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from common import molecule_lines
from torch import nn

from molgen.core.machine import keep_freed_memory
from molgen.generators.decoding import Decoding, Prompt, Steps, draw
from molgen.nn.gru import Recurrent
from molgen.nn.transformer import Transformer
from molgen.represent.tokens import EOS, SPECIAL, Vocabulary, tokenize


class Peer(nn.Module):
    """REINVENT 4's prior: an embedding, three LSTM layers, logits."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 256)
        self.layers = nn.LSTM(256, 512, 3, batch_first=True)
        self.logits = nn.Linear(512, vocabulary)

    def draw(self, count: int, longest: int) -> None:
        """As many steps as the longest of `count` sequences has tokens."""
        tokens, state = torch.ones(count, dtype=torch.long), None
        for _ in range(longest):
            out, state = self.layers(self.embedding(tokens).unsqueeze(1), state)
            tokens = self.logits(out[:, 0]).softmax(-1).multinomial(1)[:, 0]


def ours(network: Transformer | Recurrent, ids: list[list[int]], vocabulary: int) -> None:
    """Draws that are made to be these sequences."""
    length = max(map(len, ids))
    never = torch.zeros(vocabulary, dtype=torch.bool)
    uniforms = torch.rand(len(ids), length, dtype=torch.float64)
    draw(Steps(network, never), uniforms, Decoding(), Prompt.of(ids, length, torch.device("cpu")))


def main() -> None:
    """One line a network and batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, help=".smi file; ZINC250k if left out")
    parser.add_argument("--n", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    texts = [line.split()[0] for line in molecule_lines(options.source, options.n)]
    vocabulary = Vocabulary([*SPECIAL, *sorted({t for text in texts for t in tokenize(text)})])
    ids = [[*vocabulary.encode(text).tolist(), EOS] for text in texts]
    size, longest = len(vocabulary), max(map(len, ids))
    networks = {
        "transformer": Transformer(
            size, width=256, layers=6, heads=4, feedforward=1280, dropout=0.0, longest=longest
        ).bfloat16(),
        "gru 512 x 3": Recurrent(size, width=512, layers=3, dropout=0.0).bfloat16(),
        "gru 640 x 2": Recurrent(size, width=640, layers=2, dropout=0.0).bfloat16(),
        "peer": Peer(size),
    }
    print(f"{'network':<14}{'parameters':>12}{'batch':>8}{'molecules / CPU second':>26}")
    with torch.inference_mode():
        for name, network in [pair for _ in range(options.rounds) for pair in networks.items()]:
            for batch in (128, 512, 1024):
                groups = [ids[i : i + batch] for i in range(0, len(ids), batch)]
                start = time.process_time()
                for group in groups:
                    if isinstance(network, Peer):
                        network.draw(len(group), max(map(len, group)))
                    else:
                        ours(network, group, size)
                rate = len(ids) / (time.process_time() - start)
                count = sum(p.numel() for p in network.parameters())
                print(f"{name:<14}{count:>12,}{batch:>8}{rate:>26.0f}", flush=True)


if __name__ == "__main__":
    main()
