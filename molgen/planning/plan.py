"""`plan`: what a run will cost, from measured rates. Every figure is an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from molgen.core.settings import read_yaml
from molgen.planning.rates import Rate, of_run, shipped
from molgen.planning.work import Work, work_of

START_SECONDS = 30  # of a job: Snakemake twice, imports of torch
MARGIN = 2.0  # of the time that is asked for, over the estimate
ROOM = 1.5  # of the memory, likewise
LEAST_MINUTES, LEAST_MB = 10, 2_000


@dataclass(frozen=True)
class Estimate:
    """What a stage is expected to take; hours are None where nothing was measured."""

    work: Work
    rate: Rate | None
    cores: int  # of one of its jobs

    @property
    def seconds(self) -> float | None:
        """Of one core or of one GPU, over all jobs, without their start."""
        if self.rate is None or bool(self.work.gpus) != self.rate.gpu:
            return None
        return self.work.units / self.rate.per_second(self.work)

    @property
    def without_gpu(self) -> float | None:
        """Hours of a core, were it done on a CPU."""
        if self.rate is None or self.rate.gpu:
            return None
        return self.work.units / self.rate.per_second(self.work) / 3600

    @property
    def core_hours(self) -> float | None:
        """Hours of a core, if it runs on cores."""
        return None if self.work.gpus or self.seconds is None else self.seconds / 3600

    @property
    def gpu_hours(self) -> float | None:
        """Hours of a GPU, if it runs on GPUs."""
        return self.seconds / 3600 if self.work.gpus and self.seconds is not None else None

    @property
    def wall_hours(self) -> float | None:
        """Hours until it is done, its jobs side by side and each with all its cores or GPUs busy."""
        if self.seconds is None:
            return None
        at_work = self.work.gpus or min(self.cores, self.rate.cores if self.rate else self.cores)
        return (self.seconds / self.work.jobs / at_work + START_SECONDS) / 3600

    @property
    def memory_mb(self) -> float | None:
        """Of one job, at its largest; not known of a job on GPUs where the rate is of cores."""
        if self.rate is None or bool(self.work.gpus) != self.rate.gpu:
            return None
        return self.rate.memory(self.cores)

    @property
    def disk_bytes(self) -> float | None:
        """What it leaves on the disk, models aside."""
        return None if self.rate is None else self.rate.bytes * self.work.units

    def request(self) -> dict[str, int]:
        """What to ask Slurm for, with a margin: `mem_mb` and, where the time is known, `runtime` in minutes."""
        wish = {}
        if self.memory_mb is not None:
            wish["mem_mb"] = max(LEAST_MB, -(-round(self.memory_mb * ROOM) // 1000) * 1000)
        if self.wall_hours is not None:
            wish["runtime"] = max(LEAST_MINUTES, round(60 * MARGIN * self.wall_hours))
        return wish


def plan(config: Path, *, cores: int, like: Path | None = None) -> list[Estimate]:
    """An estimate for each stage of a configuration; rates are those of the run `like`, where it has them."""
    rates = shipped() | (of_run(like) if like is not None else {})
    found = []
    for work in work_of(config):
        rate = rates.get(work.name) or rates.get(work.kind or work.stage)
        found.append(Estimate(work, rate, cores))
    return found


def requests(estimates: list[Estimate]) -> dict[str, dict[str, int]]:
    """For each rule, the largest request of its jobs, as `set-resources` of a profile."""
    found: dict[str, dict[str, int]] = {}
    for estimate in estimates:
        rule = found.setdefault(estimate.work.stage, {})
        for key, value in estimate.request().items():
            rule[key] = max(value, rule.get(key, 0))
    return {rule: wish for rule, wish in found.items() if wish}


def configuration(run: Path) -> Path:
    """The configuration that a run was made with."""
    read_yaml(run / "run.yaml")
    return run / "run.yaml"
