"""A run folder as the report reads it. Whatever is missing is said in `gaps`, never an error."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from molgen.core.artifacts import read_provenance
from molgen.core.errors import InputError, MolgenError
from molgen.core.settings import read_yaml
from molgen.evaluate.record import read_metrics
from molgen.evaluate.reference import MOLECULES_FILE

CONTENT = (
    "run.yaml",
    "candidates.parquet",
    f"molecules/{MOLECULES_FILE}",
    "guided/*.parquet",
    "metrics/*.json",
    "models/*/metrics.csv",
    "samples/*.parquet",
    "scored/*.parquet",
    "experience.parquet",
)
Curve = list[tuple[float, float]]  # (molecules seen, loss)


class Search(BaseModel):
    """What the report reads of the summary that `optimize` writes."""

    strategy: str
    ended: str
    calls: int
    budget: int
    passed: int
    best: float | None
    top10: float | None
    front: int
    hypervolume: float


@dataclass
class Run:
    """Paths and small files of `results/RUN/`. Families are in the order of their names."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    families: list[str] = field(default_factory=list)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, dict[str, Curve]] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    search: Search | None = None  # where this is the folder of one
    comparison: str | None = None  # the page of `compare`, as seen from this one

    @property
    def name(self) -> str:
        """The run's name: what its config says, or its folder's name."""
        return str(self.config.get("name") or self.config.get("run") or self.folder.resolve().name)

    @property
    def candidates(self) -> Path:
        return self.folder / "candidates.parquet"

    @property
    def molecules(self) -> Path:
        return self.folder / "molecules" / MOLECULES_FILE

    def samples(self, family: str) -> Path:
        return self.folder / "samples" / f"{family}.parquet"

    def scored(self, family: str) -> Path:
        return self.folder / "scored" / f"{family}.parquet"

    def inputs(self) -> dict[str, Path]:
        """Every file that the report is made from, by its path inside the run."""
        found = sorted(p for pattern in CONTENT for p in self.folder.glob(pattern) if p.is_file())
        inside = {p.relative_to(self.folder).as_posix(): p for p in found if not p.name.endswith("provenance.json")}
        # A training that was given up leaves a hidden folder beside the models.
        return {name: p for name, p in inside.items() if not any(part.startswith(".") for part in name.split("/"))}


def open_run(folder: Path) -> Run:
    """Reads what there is of a run; an InputError if the folder holds nothing of one."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder of a run, such as results/demo")
    run = Run(folder)
    if not (inputs := run.inputs()):
        raise InputError(f"{folder}: holds nothing to report on; expected candidates.parquet, metrics/ or models/")
    run.families = sorted({Path(p).parts[1].split(".")[0] for p in inputs if p.count("/") and "molecules/" not in p})
    if "run.yaml" in inputs:
        run.config = _tolerated(run, lambda: read_yaml(inputs["run.yaml"])) or {}
    for name, path in inputs.items():
        if name.startswith("metrics/") and (record := _tolerated(run, lambda p=path: read_metrics(p))):
            run.metrics[path.stem] = record
        if name.startswith("models/") and (curves := _tolerated(run, lambda p=path: read_curves(p))):
            run.curves[path.parent.name] = curves
    if "experience.parquet" in inputs:
        run.search = _tolerated(run, lambda: read_search(folder / "summary.json"))
    _read_provenance(run, inputs)
    _say_gaps(run)
    return run


def read_curves(file: Path) -> dict[str, Curve]:
    """Losses by split from a model's metrics.csv; rows without a finite loss are left out."""
    curves: dict[str, Curve] = {}
    with file.open(newline="", encoding="utf-8", errors="replace") as stream:
        for row in csv.DictReader(stream):
            try:
                seen, loss = float(row["molecules"]), float(row["loss"])
            except (KeyError, TypeError, ValueError):
                continue
            if math.isfinite(seen) and math.isfinite(loss):
                curves.setdefault(row.get("split") or "train", []).append((seen, loss))
    if not curves:
        raise InputError(f"{file}: no rows with the columns 'molecules', 'split' and 'loss'")
    return curves


def read_search(file: Path) -> Search:
    """The summary of a search; an InputError if it is none."""
    try:
        return Search.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise InputError(f"{file}: not the summary of a search; `molgen optimize` writes it anew") from None


def _read_provenance(run: Run, inputs: dict[str, Path]) -> None:
    folders = [p for name in ("molecules", "features") if (p := run.folder / name).is_dir()]
    models = sorted(p for p in run.folder.glob("models/*") if p.is_dir() and not p.name.startswith("."))
    files = [p for p in inputs.values() if p.suffix in {".parquet", ".json"} and p.name != MOLECULES_FILE]
    if run.search and (record := read_provenance(run.folder)):
        run.provenance["search"] = record
    for path in [*folders, *models, *files]:
        if record := read_provenance(path):
            run.provenance[path.relative_to(run.folder).as_posix()] = record


def _tolerated(run: Run, read: Any) -> Any:
    """The value, or None with a sentence in the gaps."""
    try:
        return read()
    except MolgenError as error:
        run.gaps.append(f"A file of this run could not be used: {error}.")
        return None


def _say_gaps(run: Run) -> None:
    if not run.candidates.is_file():
        run.gaps.append("No candidates yet: candidates.parquet is written by molgen rank.")
    if run.search:  # which draws nothing, and need not know what its model was trained on
        return
    if not run.metrics:
        run.gaps.append("No evaluation yet: metrics/FAMILY.json is written by molgen evaluate.")
    if not run.curves:
        run.gaps.append("No training curves: models/FAMILY/metrics.csv is written by molgen train.")
    if not run.molecules.is_file():
        run.gaps.append(
            f"No training molecules (molecules/{MOLECULES_FILE}): novelty and nearest known molecules are not shown."
        )
