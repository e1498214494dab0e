"""What the further metrics of `molgen evaluate` cost, part by part, in CPU seconds of one thread.

    python benchmarks/further.py [FILE.smi]

Structures and descriptors are of the file's molecules (ZINC250k's if none is given); distances are of random points,
whose values do not matter to their cost.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import molecule_lines

from molgen.chem.tanimoto import top
from molgen.evaluate.further import guacamol, manifold, structures

MOLECULES, POINTS, LIBRARY = 400, 2_000, 40_000


def report(what: str, work: Callable[[], object], count: float, unit: str) -> None:
    """Prints the CPU seconds of a call, for each of what it deals with."""
    start = time.process_time()
    work()
    spent = time.process_time() - start
    print(f"{what:<44}{spent:8.2f} CPU s  {1e6 * spent / count:12.3f} µs a {unit}", flush=True)


def main() -> None:
    """Measures each part once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    smiles = tuple(line.split()[0] for line in molecule_lines(parser.parse_args().file, MOLECULES))
    for work in (structures._scan_chunk, structures._chunk, guacamol._chunk):
        work(smiles[:10])  # what is loaded once
    report("training set: fingerprint, rings, scaffold", lambda: structures._scan_chunk(smiles), MOLECULES, "molecule")
    report("draws: structures", lambda: structures._chunk(smiles), MOLECULES, "molecule")
    report("GuacaMol's descriptors", lambda: guacamol._chunk(smiles), MOLECULES, "molecule")
    generator, pairs = np.random.default_rng(0), 3 * POINTS**2
    a, b = generator.normal(size=(2, POINTS, 512)).astype(np.float32)
    report("precision to coverage, ChemNet", lambda: manifold.overlap(a, b, manifold.euclidean), pairs, "pair")
    report("kernel distance", lambda: manifold.kernel_distance(a, b), pairs, "pair")
    prints = np.bitwise_and.reduce(generator.integers(0, 256, (3, LIBRARY, 128), dtype=np.uint8))
    some, others = prints[:POINTS], prints[POINTS : 2 * POINTS]
    report("precision to coverage, Morgan", lambda: manifold.overlap(some, others, manifold.jaccard), pairs, "pair")
    report("nearest training molecule", lambda: top(some[:1000], prints, 1), 1000 * LIBRARY, "pair")


if __name__ == "__main__":
    main()
