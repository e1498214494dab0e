"""Speed of `molgen prepare`: with and without properties, by workers, beside a plain loop over RDKit's own functions.

    python benchmarks/prepare.py train.smi --rows 10000

Prints one row a case: molecules per second of wall clock (worker start included) and per second of CPU.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

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


def _cpu() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def _timed(label: str, count: int, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), _cpu()
    work()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    print(f"{label:<42}{count / wall:>14,.0f}{count / cpu if cpu else float('nan'):>14,.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a .smi file")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    with arguments.file.open() as stream:
        lines = list(islice(stream, arguments.rows))
    print(f"{'case':<42}{'molecules/s':>14}{'per CPU s':>14}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.smi"
        source.write_text("".join(lines))
        _timed("plain RDKit loop, all properties", len(lines), lambda: _plain_rdkit(lines))
        for properties in (False, True):
            settings = PrepareSettings(properties=properties)
            for workers in arguments.workers:
                out = Path(folder) / f"{properties}{workers}"
                label = f"prepare, {'with' if properties else 'without'} properties, {workers} worker(s)"
                _timed(label, len(lines), lambda o=out, s=settings, w=workers: prepare([source], o, s, workers=w))
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"peak memory: {peak[0]:,.0f} MB, largest worker {peak[1]:,.0f} MB")


if __name__ == "__main__":
    main()
