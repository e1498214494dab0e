"""`optimize`: asks a strategy for molecules, scores what is new within the budget, and tells it the values.

The log of calls is on disk as soon as a call is made, the strategy's state now and then. A search that was stopped goes
on from its last state and asks again what it asked then; what it scored since stands in the log, so no call is made
twice and the result is that of a search that was never stopped.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core.artifacts import Identity, already_made, building, difference, remove, work_path, write_json
from molgen.core.errors import ArtifactError, InputError, MachineError
from molgen.core.progress import Progress, progress
from molgen.generators.folder import content, model_folder, read_config
from molgen.optimize import start as starts
from molgen.optimize.curve import curve_svg, figures, mean_of_best
from molgen.optimize.experience import Experience, value_of
from molgen.optimize.front import front, goals, hypervolumes
from molgen.optimize.scaffold_memory import ScaffoldMemory
from molgen.optimize.settings import SearchSettings
from molgen.optimize.strategy import Context, Strategy, settings_of, strategy_class
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective

EXPERIENCE, FRONT, SUMMARY, CURVE = "experience.parquet", "front.parquet", "summary.json", "curve.svg"
LOG, STATE, WHAT, COURSE = "log.jsonl", "state", "identity.json", "course.json"
LOOKED_AT = 500  # calls after which a search whose values tell nothing says so


@dataclass(frozen=True)
class Request:
    """A search as it is asked for; `start` is a file of molecules, None for draws of the model, and `model` one of the
    strategy's own choice if it is None."""

    objective: Objective
    strategy: str
    budget: int
    model: str | None = None
    start: Path | None = None
    seed: int = 0
    values: Mapping[str, Any] | None = None  # settings of the strategy
    search: SearchSettings = SearchSettings()  # noqa: RUF009 (frozen)

    @property
    def source(self) -> str:
        """The model that the strategy draws on."""
        found: str = self.model or strategy_class(self.strategy).model
        return found

    def identity(self) -> Identity:
        """What the result depends on."""
        settings = {
            "objective": self.objective.values(),
            "strategy": self.strategy,
            "budget": self.budget,
            "settings": settings_of(self.strategy, self.values or {}).values(),
            "search": self.search.identity(),
        }
        found = Identity.of("optimize", settings, {"start": self.start} if self.start else {}, self.seed)
        return Identity(
            found.verb, found.settings, {**found.inputs, "model": content(model_folder(self.source))}, self.seed
        )


def optimize(request: Request, out: Path) -> dict[str, Any]:
    """Runs or resumes a search into the folder `out`, and returns its summary; a finished one is left alone."""
    if request.budget < 1:
        raise InputError(f"--budget {request.budget}: at least one call is needed")
    read_config(model_folder(request.source))
    identity = request.identity()
    if not already_made(out, identity):
        refuse_others(out, identity)
        with Evaluator(request.objective) as evaluator, building(out, identity, keep=True) as work:
            work.mkdir(exist_ok=True)
            write_json(work / WHAT, identity.values())
            experience = Experience(work / LOG)
            strategy = begin(request)
            with progress("optimize", request.budget, "calls", done=len(experience)) as bar:
                ended = run(strategy, experience, request, evaluator, work / STATE, bar)
            write(experience, request, list(evaluator.columns), ended, work)
            for path in (work / LOG, work / STATE, work / f"{STATE}.new", work / WHAT):
                remove(path)
    found: dict[str, Any] = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
    return found


def write(experience: Experience, request: Request, columns: Sequence[str], ended: str, folder: Path) -> None:
    """The tables, figures and curve of a search that has ended."""
    judged = [component.name for component in request.objective.components]
    values = goals(experience, judged)
    best = front(values)
    experience.write(folder / EXPERIENCE, columns, judged, range(len(experience)))
    experience.write(folder / FRONT, columns, judged, best.tolist())
    found = {"strategy": request.strategy, "seed": request.seed, "ended": ended} | figures(experience, request.budget)
    found |= {"front": len(best), "hypervolume": float(hypervolumes(values)[-1]) if len(values) else 0.0}
    write_json(folder / SUMMARY, found)
    curve = mean_of_best(experience.scores(passed=True))
    (folder / CURVE).write_text(curve_svg({request.strategy: [curve]}), encoding="utf-8")


def refuse_others(out: Path, identity: Identity) -> None:
    """An ArtifactError that names the difference if an unfinished search of other settings lies beside `out`."""
    mine = work_path(out, identity)
    for path in sorted(out.parent.glob(f".{out.name}.*.part")):
        if path != mine and (path / WHAT).is_file():
            there = json.loads((path / WHAT).read_text(encoding="utf-8"))
            raise ArtifactError(
                f"{out}: an unfinished search with other settings ({difference(there, identity.values())}); "
                f"go on with those, remove {path}, or choose another --out"
            )


def begin(request: Request) -> Strategy:
    """A new strategy with its start molecules."""
    settings = settings_of(request.strategy, request.values or {})
    molecules = (
        starts.of_file(request.start, request.seed) if request.start else starts.of_model(request.source, request.seed)
    )
    found: Strategy = strategy_class(request.strategy)(settings, Context(molecules, request.source, request.seed))
    return found


class _Course:
    """Where a search is: what the strategy was told, and rounds without anything new."""

    def __init__(self, experience: Experience, search: SearchSettings) -> None:
        self.experience, self._search = experience, search
        self.told = self.barren = 0  # calls whose values the strategy has
        scaffolds = ScaffoldMemory(search.per_scaffold, search.good)
        self._memory = scaffolds if search.diversity == "scaffold" else None

    def tell(self, strategy: Strategy, asked: Sequence[str]) -> None:
        """Gives the strategy the values of those that were scored."""
        known = [smiles for smiles in asked if smiles in self.experience]
        new = sum(self.experience.place(smiles) >= self.told for smiles in known)
        strategy.tell(known, self.values(known))
        self.told += new
        self.barren = 0 if new else self.barren + 1

    def values(self, smiles: Sequence[str]) -> np.ndarray:
        """What a strategy is to see, float64 (n,)."""
        values = np.array([value_of(self.experience.row(text)) for text in smiles], np.float64)
        return values if self._memory is None else self._memory.judged(smiles, values)

    def save(self, strategy: Strategy, folder: Path) -> None:
        """The state, whole or not at all; between rounds only."""
        aside = folder.with_name(f"{folder.name}.new")
        remove(aside)
        aside.mkdir()
        strategy.save(aside)
        write_json(aside / COURSE, {"told": self.told, "barren": self.barren})
        remove(folder)
        aside.rename(folder)

    def load(self, strategy: Strategy, folder: Path) -> None:
        """Goes on from the last state, if there is one."""
        if not (folder / COURSE).is_file():
            return
        strategy.load(folder)
        state = json.loads((folder / COURSE).read_text(encoding="utf-8"))
        self.barren = int(state["barren"])
        self.values([row["smiles"] for row in self.experience.rows[: int(state["told"])]])  # fills the scaffold memory
        self.told = int(state["told"])


def run(
    strategy: Strategy, experience: Experience, request: Request, evaluator: Evaluator, state: Path, bar: Progress
) -> str:
    """Asks and tells until the budget is spent or nothing new comes; returns why it ended."""
    course = _Course(experience, request.search)
    course.load(strategy, state)
    saved, size = time.monotonic(), min(strategy.settings.batch, request.budget)
    while course.told < request.budget:
        asked = _distinct(strategy.ask(size))
        new = [smiles for smiles in asked if smiles not in experience][: request.budget - len(experience)]
        before = len(experience)
        experience.add(score(evaluator, new))
        check_values(experience, request.search.no_value)
        course.tell(strategy, asked)
        if before < LOOKED_AT <= len(experience):
            for doubt in doubts(experience):
                print(f"optimize: {doubt}", file=sys.stderr)
        if course.barren >= request.search.nothing_new:
            return f"no new molecule in {course.barren} rounds"
        bar.advance(len(new), f"best {experience.scores(passed=True).max(initial=0):.3f}")
        if time.monotonic() - saved > request.search.checkpoint_seconds:
            course.save(strategy, state)
            saved = time.monotonic()
    return "budget spent"


def score(evaluator: Evaluator, smiles: Sequence[str]) -> list[dict[str, Any]]:
    """A row of the log for each molecule."""
    if not smiles:
        return []
    found = evaluator.evaluate([parse(text) for text in smiles])
    rows = []
    for place, text in enumerate(smiles):
        names = found.alerts[place]
        row: dict[str, Any] = {
            "smiles": text,
            "score": float(found.score[place]),
            "passed": found.failed[place] is None,
            "failed": found.failed[place],
            "alerts": None if names is None else "; ".join(names),
        }
        row |= {name: float(values[place]) for name, values in found.raw.items()}
        row |= {f"{name}.desirability": float(values[place]) for name, values in found.desirability.items()}
        rows.append(row)
    return rows


def check_values(experience: Experience, limit: int) -> None:
    """Ends a search whose last `limit` calls gave no score at all, and takes them back."""
    last = experience.rows[-limit:]
    if len(last) < limit or any(row["score"] is not None for row in last):
        return
    why = Counter(row["failed"] for row in last).most_common(1)[0][0]
    ever = any(row["score"] is not None for row in experience.rows)
    experience.forget(
        next((n for n, row in enumerate(reversed(experience.rows)) if row["score"] is not None), len(experience))
    )
    text = f"the last {limit} calls gave no score ({why}); see that its scorer works"
    raise MachineError(f"{text}, then run the same command again") if ever else InputError(text)


def doubts(experience: Experience) -> list[str]:
    """What is odd about the values so far: nothing to tell molecules apart by, or no molecule that passes."""
    rows, found = experience.rows, []
    scores = {row["score"] for row in rows}
    if len(scores) == 1:
        found.append(f"each of {len(rows)} molecules has the score {scores.pop()}: there is nothing to climb yet")
    if not any(row["passed"] for row in rows):
        reasons = Counter(reason for row in rows for reason in row["failed"].split("; "))
        reason, count = reasons.most_common(1)[0]
        found.append(
            f"none of {len(rows)} molecules passes the filters (most often: {reason}, {count} molecules); "
            "each failed one leaves a tenth of a score to climb by; loosen them, or give --start molecules that pass"
        )
    return found


def _distinct(asked: Sequence[str]) -> list[str]:
    """Canonical SMILES of what is a whole molecule, each once."""
    found: dict[str, None] = {}
    for text in asked:
        try:
            found[canonical(text)] = None
        except BadMolecule:
            continue
    return list(found)
