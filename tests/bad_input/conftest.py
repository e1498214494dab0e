"""The command line as a user meets it, a small chain of good artifacts, and a folder of bad files."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from molgen.cli.main import main

PROGRESS = re.compile(r"\S.* [\d,]+/s  (in|[\d:]+ left).*")
TINY = "--set model.width=16 --set model.layers=1 --set model.heads=2 --set training.batch_size=32"


class Ended(NamedTuple):
    """How a command ended: its exit code, what it printed, and its messages without the lines of progress."""

    code: int
    out: str
    messages: list[str]


@pytest.fixture
def molgen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Ended]:
    """Runs a command line in this process."""

    def run(line: str) -> Ended:
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["molgen", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            main()
        signal.signal(signal.SIGTERM, before)
        printed = capsys.readouterr()
        messages = [m for m in printed.err.splitlines() if m.strip() and not PROGRESS.fullmatch(m)]
        return Ended(int(end.value.code or 0), printed.out, messages)

    return run


@pytest.fixture(scope="session")
def chain(prepared: Path, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with one artifact of each stage."""
    from molgen.evaluate.evaluate import evaluate
    from molgen.rank import rank
    from molgen.sampling import sample
    from molgen.scoring.objective import Objective
    from molgen.scoring.score import score
    from molgen.training.settings import RunSettings
    from molgen.training.train import train

    run = tmp_path_factory.mktemp("chain") / "run"
    shutil.copytree(prepared, run / "molecules")
    shutil.copytree(features, run / "features")
    settings = RunSettings.load(
        None,
        [*TINY.replace("--set ", "").split(), "training.molecules=64", "training.validation_molecules=8"],
    )
    train("smiles", run / "features", run / "models" / "smiles", settings)
    (run / "objective.yaml").write_text(yaml.safe_dump({"components": [{"type": "QED"}]}))
    known = run / "known.smi"
    known.write_text(
        "".join(f"{s}\n" for s in pq.read_table(run / "molecules/molecules.parquet")["smiles"].to_pylist())
    )
    sample(str(run / "models" / "smiles"), 20, run / "samples" / "smiles.parquet")
    score(known, Objective.read(run / "objective.yaml"), run / "scored" / "smiles.parquet")
    rank([run / "scored" / "smiles.parquet"], run / "candidates.parquet", top=5)
    evaluate(known, run / "molecules", run / "metrics" / "smiles.json")
    return run


@pytest.fixture
def place(tmp_path: Path, chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: `run` is the chain, the rest are files that no verb can use."""
    (tmp_path / "run").symlink_to(chain)
    for ending in ("smi", "csv", "tsv", "sdf", "parquet", "yaml", "smi.gz"):
        (tmp_path / f"empty.{ending}").write_bytes(b"")
        (tmp_path / f"binary.{ending}").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff\xfe" + bytes(range(256)) * 4)
        if Path("/proc/self/mem").exists():
            (tmp_path / f"unreadable.{ending}").symlink_to("/proc/self/mem")  # fails when it is read, also for root
    (tmp_path / "blank.smi").write_bytes(b"\n \r\n\n")
    (tmp_path / "good.smi").write_text("CCO\nCCN\nc1ccccc1\n")
    (tmp_path / "good.csv").write_text("Structure,MW\nCCO,46\n")
    whole = (chain / "candidates.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    pq.write_table(pa.table({"x": [1], "SMILES": ["C"]}), tmp_path / "other.parquet")
    (tmp_path / "broken.yaml").write_text("components: [1\nname: x\n")
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "unknown.yaml").write_text("limt: 3\nmolecles: 3\nstero: keep\npol: 1\ntitel: x\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    for name in ("mine.parquet", "mine.json", "mine.html", "mine.svg"):
        (tmp_path / name).write_text("do not touch")
    (tmp_path / "nothing").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its content, links not followed."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() and not p.is_symlink() else None
        for p in folder.rglob("*")
    }
