"""Milliseconds of CPU time that each new component of an objective takes a molecule, molecules parsed beforehand.

    python benchmarks/components.py [--n 200] [--slow 20] [FILE.smi]

One process; the best of three rounds. The slow components (`pharmacophore`, `shape`) see the first `--slow` molecules.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from common import molecule_lines
from rdkit import Chem

from molgen.chem.hazards import flags
from molgen.chem.parse import parse
from molgen.scoring.components import COMPONENTS
from molgen.scoring.drugs import DRUGS
from molgen.scoring.objective import read_component

REFERENCES = list(DRUGS.values())
SLOW = ("similarity pharmacophore", "shape")


def cases(known: Path) -> dict[str, dict[str, Any]]:
    """What is measured: a name to a component's settings."""
    prints = {
        f"similarity {kind}": {"type": "similarity", "fingerprint": kind, "references": REFERENCES}
        for kind in ("ECFP", "FCFP", "atom_pair", "pharmacophore")
    }
    tversky = {**prints["similarity ECFP"], "metric": "tversky"}
    reference = {"reference_file": str(known), "transform": "none"}
    return {
        **prints,
        "similarity ECFP, Tversky": tversky,
        "shape": {"type": "shape", "references": [DRUGS["sildenafil"]]},
        "np_likeness": {"type": "np_likeness"},
        "hazards": {"type": "hazards"},
        "scaffold_novelty": {"type": "scaffold_novelty", **reference},
        "ring_rarity": {"type": "ring_rarity", **reference},
    }


def measured(values: dict[str, Any], mols: list[Chem.Mol]) -> float:
    """Milliseconds a molecule."""
    scorer, times = COMPONENTS[values["type"]](read_component(values, "component")), []
    scorer.score(mols[:1])  # what is read or compiled once
    for _ in range(3):
        start = time.process_time()
        scorer.score(mols)
        times.append(time.process_time() - start)
    return min(times) / len(mols) * 1e3


def main() -> None:
    """Prints a line a component."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--slow", type=int, default=20)
    options = parser.parse_args()
    smiles = molecule_lines(options.file, options.n)
    mols = [parse(text) for text in smiles]
    flagged = sum(bool(flags(mol)) for mol in mols)
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.smi"
        known.write_text("\n".join(smiles))
        for name, values in cases(known).items():
            some = mols[: options.slow] if name in SLOW else mols
            print(f"{name:<28}{measured(values, some):>10.3f} ms a molecule ({len(some):,})")
    print(f"{flagged:,} of {len(mols):,} molecules have a hazard flag")


if __name__ == "__main__":
    main()
