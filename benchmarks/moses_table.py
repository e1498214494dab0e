"""The MOSES table of `molgen evaluate` beside that of molsets 0.3.1: are they equal, what do they take?

    python benchmarks/moses_table.py DRAWS.smi --n 10000 --reference MOSES --peer-python PYTHON [--same-reference]

`--reference` is the folder of `molgen data fetch moses` (or any with train, test and test_scaffolds), `--peer-python`
an interpreter with molsets, which runs `benchmarks/peers/molsets.py`; without it only molgen is measured, and
`--peer-result` takes a table that it printed before. molsets compares with the statistics of MOSES' splits that are in
its wheel; with `--same-reference` it works out those of the folder, as molgen does: on a small folder that shows in
little time that the definitions are the same.

Both are one process and one thread. Seconds are of CPU, user and system; memory is the most that was resident. What
molgen knows of the reference is worked out once a data set: it is measured apart, and not at all if it was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

PEER = Path(__file__).parent / "peers/molsets.py"
MOLGEN = (sys.executable, "-m", "molgen.cli.main", "evaluate")
TOLERANCE = 1e-3  # relative above 1, absolute below


class Cost(NamedTuple):
    """CPU seconds and GB of a command."""

    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{self.cpu:8.1f} CPU s  {self.memory:5.2f} GB"


def measured(command: list[str], printed: Path) -> Cost:
    """Runs a command, its output in a file; SystemExit with its last words if it fails."""
    with printed.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed\n{said[-2000:]}")
    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kilobytes elsewhere
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def ours(draws: Path, asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], Cost, Cost]:
    """The table, what it took, and what the reference took before."""
    few = folder / "few.smi"
    few.write_text("\n".join(draws.read_text().splitlines()[:3]) + "\n")
    common = ["--reference", str(asked.reference), "--workers", "1", "--set=validity=literature", "--set=floor=false"]
    reference = measured([*MOLGEN, str(few), "--out", str(folder / "few.json"), *common], folder / "out")
    cost = measured([*MOLGEN, str(draws), "--out", str(folder / "ours.json"), *common], folder / "out")
    return json.loads((folder / "ours.json").read_text())["metrics"], cost, reference


def theirs(draws: Path, asked: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], Cost | None]:
    """The peer's table and what it took; {} if there is none."""
    if asked.peer_result:
        return last_line(asked.peer_result), None
    if not asked.peer_python:
        return {}, None
    command = [asked.peer_python, str(PEER), str(draws), "--n", str(asked.n)]
    command += ["--reference", str(asked.reference)] if asked.same_reference else []
    cost = measured(command, folder / "peer")
    return last_line(folder / "peer"), cost


def last_line(file: Path) -> dict[str, Any]:
    """`metrics` of the JSON in a file's last line."""
    found: dict[str, Any] = json.loads(file.read_text().splitlines()[-1])["metrics"]
    return found


def differences(own: dict[str, Any], peer: dict[str, Any], n: int) -> dict[str, float]:
    """Of each metric of the peer, relative above 1; infinite where molgen has none."""
    found = {}
    for name, value in peer.items():
        if int(name.partition("@")[2] or 0) > n:  # molgen names unique@k only where there are k draws
            continue
        mine = own.get(name)
        found[name] = abs(mine - value) / max(abs(value), 1) if mine is not None else float("inf")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("draws", type=Path, nargs="?", help="a .smi file")
    parser.add_argument("--n", type=int, default=10_000, help="the first so many draws")
    parser.add_argument("--reference", default="moses")
    parser.add_argument("--peer-python", help="an interpreter with molsets")
    parser.add_argument("--peer-result", type=Path, help="what the peer printed before")
    parser.add_argument("--same-reference", action="store_true")
    asked = parser.parse_args()
    if asked.draws is None:
        print("left out: give a .smi file of draws, such as `molgen sample smiles-moses` makes")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        draws = folder / "draws.smi"
        lines = asked.draws.read_text().splitlines()[: asked.n]
        draws.write_text("\n".join(lines) + "\n")
        own, cost, reference = ours(draws, asked, folder)
        peer, peer_cost = theirs(draws, asked, folder)
    apart = differences(own, peer, len(lines))
    print(f"{'':<14}{'molgen':>12}{'molsets':>12}{'apart':>10}")
    for name in own | peer:
        value, other = own.get(name), peer.get(name)
        cells = ["" if v is None else f"{v:.6f}" for v in (value, other)]
        print(f"{name:<14}{cells[0]:>12}{cells[1]:>12}{f'{apart[name]:.1e}' if name in apart else '':>10}")
    print(f"\nmolgen     {cost}   reference {reference}")
    if peer_cost:
        share, memory = cost.cpu / peer_cost.cpu, cost.memory / peer_cost.memory
        print(f"molsets    {peer_cost}   molgen takes {share:.2f} and {memory:.2f} of it")
    elif not peer:
        print("molsets    left out: give --peer-python")
    if peer:
        off = ", ".join(name for name, by in apart.items() if by > TOLERANCE) or "none"
        print(f"{len(apart)} metrics compared at n = {len(lines):,}; further apart than {TOLERANCE}: {off}")


if __name__ == "__main__":
    main()
