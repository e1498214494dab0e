"""One chunk of a library to a part of the journal: what `screen` spreads over processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.chem.scaffolds import murcko
from molgen.chem.standardise import standardise
from molgen.data.library import Batch
from molgen.data.readers import Row, to_mol
from molgen.scoring.component import FAILURES
from molgen.scoring.evaluator import Evaluation, Evaluator, evaluator_of
from molgen.screening import seen
from molgen.screening.best import choose
from molgen.screening.journal import appearing
from molgen.screening.part import REJECTS_SCHEMA, Counts, write_part
from molgen.screening.settings import Plan

SHOWN = 200  # characters of an input that the rejects table keeps
NO_VALUE = "has no value"  # as the evaluator says it

Reason = tuple[str, str | None]  # a fixed phrase, and more about the row


@dataclass(frozen=True)
class Task:
    """A chunk to do; molecules whose score is below `floor` cannot be among the best any more."""

    batch: Batch
    floor: float


@dataclass
class Molecules:
    """The rows that are molecules, each with its own place in `distinct`, and the others with their reasons."""

    rows: list[Row]
    places: np.ndarray
    distinct: list[Chem.Mol]
    smiles: list[str]
    rejects: list[tuple[Row, str, str | None]]


def screen_chunk(task: Task, plan: Plan, folder: Path) -> tuple[int, float, Counts]:
    """Writes the chunk's part below `folder`; its number, how far the library is read with it, and its counts."""
    batch = task.batch
    found = _read(batch, plan.settings.standardise)
    evaluator = evaluator_of(plan.objective)
    evaluation = evaluator.evaluate(found.distinct, funnel=True)
    score = evaluation.score[found.places]
    passed = np.array([evaluation.failed[i] is None for i in found.places.tolist()], bool) & ~np.isnan(score)
    smiles = [found.smiles[i] for i in found.places.tolist()]
    rejects = found.rejects + _without_value(found, evaluation)
    counts = Counts(
        read=len(batch.rows),
        valid=len(smiles),
        passed=int(passed.sum()),
        rejects=Counter(reason for _, reason, _ in rejects),
        failed=Counter(why for i in found.places.tolist() for why in (evaluation.failed[i] or "").split("; ") if why),
        files=Counter({batch.file: len(batch.rows)}),
    )
    with appearing(folder / f"{batch.number:09}") as aside:
        best = _best(batch, found, evaluator, evaluation, np.flatnonzero(passed & (score >= task.floor)), plan)
        rows = _columns(batch, found, evaluation, np.arange(len(smiles))) if plan.settings.full_table else None
        seen.write(aside, seen.digest(smiles), seen.classes(score, passed))
        write_part(aside, counts, best, _rejects(batch, rejects), None if rows is None else pa.table(rows))
    return batch.number, batch.read, counts


def _read(batch: Batch, clean: bool) -> Molecules:
    """The molecules of the rows; equal texts are read, and later measured, once."""
    known: dict[str, int | Reason] = {}
    found = Molecules([], np.empty(0, np.int64), [], [], [])
    places = []
    for row in batch.rows:
        if row.problem:
            found.rejects.append((row, "unreadable row", row.problem))
            continue
        if row.text not in known:
            known[row.text] = _add(found, row.text, batch.blocks, clean)
        place = known[row.text]
        if isinstance(place, int):
            found.rows.append(row)
            places.append(place)
        else:
            found.rejects.append((row, *place))
    found.places = np.array(places, np.int64)
    return found


def _add(found: Molecules, text: str, block: bool, clean: bool) -> int | Reason:
    """The molecule's place, or why it is none.

    Not the exception itself, which would hold all molecules of the chunk in a cycle of references, by its traceback.
    """
    try:
        mol = to_mol(text, block=block)
        if clean:
            mol, smiles = standardise(mol, largest_fragment=True, neutralise=True, drop_stereo=False)
        else:
            smiles = Chem.MolToSmiles(mol)
    except BadMolecule as bad:
        return bad.reason, bad.detail or None
    except FAILURES as error:  # RDKit's own, on molecules that sanitize but break later
        return "chemistry", (str(error).strip().splitlines() or [type(error).__name__])[0][:SHOWN]
    found.distinct.append(mol)
    found.smiles.append(smiles)
    return len(found.distinct) - 1


def _without_value(found: Molecules, evaluation: Evaluation) -> list[tuple[Row, str, str | None]]:
    """The rows for which a component had no value: molecules, but not to be judged."""
    failed = [evaluation.failed[i] or "" for i in found.places.tolist()]
    return [(row, "no value", why) for row, why in zip(found.rows, failed, strict=True) if NO_VALUE in why]


def _best(
    batch: Batch, found: Molecules, evaluator: Evaluator, evaluation: Evaluation, chosen: np.ndarray, plan: Plan
) -> pa.Table | None:
    """The rows among which the best of the library may be, with scaffolds and alerts."""
    if not len(chosen):
        return None
    columns = _columns(batch, found, evaluation, chosen)
    mols = [found.distinct[i] for i in found.places[chosen].tolist()]
    columns["scaffold"] = pa.array([_scaffold(mol) for mol in mols], pa.string())
    columns["place"] = pa.array((batch.number << 20) + chosen, pa.int64())
    for name in ("passed", "failed"):
        del columns[name]
    best = choose(pa.table(columns), plan.kept, plan.per_scaffold)
    if best["alerts"].null_count:  # not needed for the score, but a candidate's alerts are always said
        by_place = dict(zip(columns["place"].to_pylist(), mols, strict=True))
        names = [evaluator.alerts_of(by_place[place]) for place in best["place"].to_pylist()]
        best = best.set_column(best.schema.get_field_index("alerts"), "alerts", _joined(names))
    return best


def _scaffold(mol: Chem.Mol) -> str:
    try:
        return murcko(mol)
    except FAILURES:
        return ""


def _columns(batch: Batch, found: Molecules, evaluation: Evaluation, chosen: np.ndarray) -> dict[str, pa.Array]:
    """The columns of a screened table for chosen rows; null is what was not measured, or has no value."""
    places = found.places[chosen]
    number = partial(pa.array, type=pa.float64(), from_pandas=True)
    failed = [evaluation.failed[i] for i in places.tolist()]
    names = [evaluation.alerts[i] for i in places.tolist()]
    rows = [found.rows[i] for i in chosen.tolist()]
    columns = {
        "smiles": pa.array([found.smiles[i] for i in places.tolist()], pa.string()),
        "score": number(evaluation.score[places]),
        "passed": pa.array([why is None for why in failed], pa.bool_()),
        "failed": pa.array(failed, pa.string()),
        "name": pa.array([row.name for row in rows], pa.string()),
        "file": pa.array([batch.file] * len(rows), pa.string()),
        "line": pa.array([row.line for row in rows], pa.int64()),
    }
    for name, values in evaluation.raw.items():
        columns[name] = number(values[places])
        if name in evaluation.desirability:
            columns[f"{name}.desirability"] = number(evaluation.desirability[name][places])
    columns["alerts"] = _joined(names)
    return columns


def _joined(names: list[list[str] | None]) -> pa.Array:
    return pa.array([None if some is None else "; ".join(some) for some in names], pa.string())


def _rejects(batch: Batch, rejects: list[tuple[Row, str, str | None]]) -> pa.Table:
    rejects = sorted(rejects, key=lambda reject: reject[0].line)
    columns = {
        "file": [batch.file] * len(rejects),
        "line": [row.line for row, _, _ in rejects],
        "input": [row.text[:SHOWN] for row, _, _ in rejects],
        "reason": [reason for _, reason, _ in rejects],
        "detail": [detail for _, _, detail in rejects],
    }
    return pa.table(columns, REJECTS_SCHEMA)
