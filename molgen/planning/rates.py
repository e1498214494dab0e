"""Rates of the stages: those that ship, measured by us, and those of a run, from the files that Snakemake writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from molgen.core.errors import InputError
from molgen.core.settings import read_yaml
from molgen.planning.work import STEPS, Work, work_of

SHIPPED = Path(__file__).with_name("rates.yaml")
FAMILIES = ("train", "sample", "guide")
TRAINING_CORES = 2  # what training is known to make use of


@dataclass(frozen=True)
class Rate:
    """Units a second of one core (or of one GPU), and what else a stage takes."""

    rate: float
    memory_mb: float | None = None
    workers: int = 0  # with which the memory was measured; 0: it does not depend on them
    bytes: float = 0
    size: int = 0
    steps: int = STEPS
    at: str = ""
    gpu: bool = False
    cores: int = 10**6  # that it can keep busy

    def memory(self, cores: int) -> float | None:
        """Megabytes with so many workers, where that is known."""
        if self.memory_mb is None or not self.workers:
            return self.memory_mb
        return self.memory_mb * max(1.0, cores / self.workers)

    def per_second(self, work: Work) -> float:
        """Units a second for a network of the work's size and draws of its steps."""
        scale = self.size / work.size if self.size and work.size else 1.0
        return self.rate * scale * (self.steps / work.steps)


@dataclass(frozen=True)
class Used:
    """What the jobs of a stage took, as Snakemake measured it: the last attempt of each."""

    jobs: int
    wall_seconds: float  # summed over jobs
    core_seconds: float
    memory_mb: float  # of the largest


def shipped() -> dict[str, Rate]:
    """The rates of `rates.yaml`, by `stage` or `stage.family`."""
    found = {}
    for stage, values in read_yaml(SHIPPED).items():
        for name, one in (
            {f"{stage}.{f}": v for f, v in values.items()} if stage in FAMILIES else {stage: values}
        ).items():
            found[name] = _rate({"cores": TRAINING_CORES if stage == "train" else 10**6, **one})
    return found


def _rate(values: Mapping[str, Any]) -> Rate:
    known = {field.name for field in fields(Rate)}
    return Rate(**{key: value for key, value in values.items() if key in known})


def used(run: Path) -> dict[str, Used]:
    """What each stage of a run took, by `stage` or `stage.family`; shards of one are summed."""
    files = sorted((run / "benchmarks").glob("*.tsv"))
    if not files:
        raise InputError(f"{run}: no files in benchmarks/; the folder of a run (results/RUN) is expected")
    found: dict[str, Used] = {}
    for file in files:
        name = ".".join(file.stem.split(".")[:2])  # without the draws of a shard
        with file.open() as stream:
            row = list(csv.DictReader(stream, delimiter="\t"))[-1]
        wall, memory, core = (_number(row.get(key)) for key in ("s", "max_pss", "cpu_time"))
        memory = memory or _number(row.get("max_rss"))
        old = found.get(name, Used(0, 0.0, 0.0, 0.0))
        found[name] = Used(
            old.jobs + 1, old.wall_seconds + wall, old.core_seconds + (core or wall), max(old.memory_mb, memory)
        )
    return found


def of_run(run: Path) -> dict[str, Rate]:
    """The rates at which a run was done, GPUs included."""
    took = used(run)
    found = {}
    for work in work_of(run / "run.yaml"):
        one = took.get(work.name)
        if one is None:
            continue
        seconds = one.wall_seconds * work.gpus if work.gpus else one.core_seconds
        found[work.name] = Rate(
            rate=work.units / max(seconds, 1e-3),
            memory_mb=one.memory_mb,
            size=work.size,
            steps=work.steps,
            at=str(run),
            gpu=bool(work.gpus),
            cores=max(1, round(one.core_seconds / max(one.wall_seconds, 1e-3))),
        )
    return found


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:  # "NA", of a job that was over at once
        return 0.0
