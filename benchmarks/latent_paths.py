"""How smooth a latent space is: mean similarity of neighbours on paths between pairs of molecules.

python benchmarks/latent_paths.py MODEL MOLECULES.smi [--pairs 100] [--steps 9]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from molgen.core import seeds
from molgen.latent import interpolate
from molgen.scoring.source import read_smiles


def main() -> None:
    """Prints a line for paths on the arc and one for paths on the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("molecules", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=9)
    options = parser.parse_args()
    texts = read_smiles(options.molecules)
    chosen = seeds.numpy_generator(0, "paths").choice(len(texts), (options.pairs, 2), replace=False).tolist()
    print(f"{options.pairs} pairs, {options.steps} points each")
    for name, spherical in (("arc", True), ("line", False)):
        paths = [
            interpolate(options.model, texts[a], texts[b], steps=options.steps, spherical=spherical) for a, b in chosen
        ]
        near = np.mean([[step.to_previous for step in path[1:]] for path in paths])
        distinct = np.mean([len({step.smiles for step in path}) for path in paths])
        print(f"{name:4}  mean similarity of neighbours {near:.3f}, distinct molecules {distinct:.1f}")


if __name__ == "__main__":
    main()
