"""What the grammar costs and leaves: draws of a `smiles` model without and with it, one thread, one run.

    python benchmarks/grammar.py [smiles-moses] [--n 10000] [--seed 0]

Prints draws per CPU-second, the share of valid draws and the reasons of the others; chunks of draws by turns.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import torch

from molgen.core.machine import keep_freed_memory, precision_for
from molgen.generators.folder import load_model
from molgen.generators.smiles_settings import SmilesDrawing
from molgen.sampling import CHUNK


def main() -> None:
    """One line for each way of drawing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="smiles-moses")
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["auto", "bf16", "fp32"], default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    model = load_model(options.model, device="cpu", precision=precision_for(options.precision, "cpu"))
    ways = {"free": SmilesDrawing(), "grammar": SmilesDrawing(grammar=True)}
    for way in ways.values():
        model.sample(32, seed=options.seed + 1, drawing=way)
    spent = dict.fromkeys(ways, 0.0)
    reasons = {name: Counter[str | None]() for name in ways}
    for first in range(0, options.n, CHUNK):
        for name, way in ways.items():
            start = time.process_time()
            drawn = model.sample(min(CHUNK, options.n - first), seed=options.seed, first=first, drawing=way)
            spent[name] += time.process_time() - start
            reasons[name].update(drawn.reasons)
    for name, found in reasons.items():
        shares = {reason or "valid": f"{count / options.n:.4f}" for reason, count in found.most_common()}
        print(f"{name:<8}{options.n / spent[name]:>6.0f} draws / CPU second, {shares}")


if __name__ == "__main__":
    main()
