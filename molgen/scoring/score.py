"""`score`: a table or list of molecules to the same rows with every value that an objective gives them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.tables import SCORED, Writer, opened
from molgen.core.workers import map_ordered
from molgen.scoring.evaluator import Evaluation, Evaluator, evaluator_of, evaluators_closed
from molgen.scoring.objective import Objective
from molgen.scoring.source import Source


@dataclass(frozen=True)
class Summary:
    """What a scored table holds. `failed` counts each reason; a row may have several."""

    rows: int
    scored: int
    passed: int
    best: float
    failed: dict[str, int]


def score(file: Path, objective: Objective, out: Path, *, workers: int = 1) -> Summary:
    """Scores every row of `file` (.smi, .smi.gz or .parquet with a `smiles` column) into the table `out`.

    A row without a molecule is kept, with NaN and the reason. A finished `out` of the same input and objective is
    left as it is. A truncated .gz is a PartialError, raised when what could be read of it has been scored.
    """
    if out.suffix != ".parquet":
        raise InputError(f"{out}: --out must end in .parquet")
    identity = Identity.of("score", objective.values(), {"molecules": file})
    if already_made(out, identity):
        return summarise(out)
    source = Source(file)
    with Evaluator(objective) as evaluator:  # made here first, so that a bad objective ends before any work
        schema = _schema(evaluator, source.schema)
    with building(out, identity, workers=workers) as aside:
        if _write(aside, source, objective, schema, workers) == 0:
            raise InputError(source.damage or f"{file}: no molecules in it; a .smi file has one SMILES a line")
    if source.damage:
        raise PartialError(source.damage)
    return summarise(out)


def _write(aside: Path, source: Source, objective: Objective, schema: pa.Schema, workers: int) -> int:
    """Scores chunk by chunk into the unfinished file; the number of rows."""
    work = partial(_score_chunk, objective=objective, schema=schema)
    with (
        Writer(aside, schema, SCORED) as writer,
        progress("score", source.rows, "molecules") as bar,
        evaluators_closed(),
    ):
        for scored in map_ordered(work, source.chunks(), workers):
            writer.write(scored)
            bar.advance(scored.num_rows)
    return bar.done


def summarise(out: Path) -> Summary:
    """The counts of a scored table, read from its file."""
    rows = scored = passed = 0
    best, failed = float("nan"), Counter[str]()
    with opened(out, SCORED) as table:
        for batch in table.iter_batches(columns=["score", "passed", "failed"]):
            values = batch["score"].to_numpy(zero_copy_only=False)
            rows += batch.num_rows
            scored += int((~np.isnan(values)).sum())
            passed += batch["passed"].true_count
            accepted = values[batch["passed"].to_numpy(zero_copy_only=False)]
            best = float(np.fmax.reduce(accepted, initial=best))
            for item in pc.value_counts(batch["failed"].drop_null()).to_pylist():
                for reason in item["values"].split("; "):
                    failed[reason] += item["counts"]
    return Summary(rows, scored, passed, best, dict(failed.most_common()))


def _schema(evaluator: Evaluator, source: pa.Schema) -> pa.Schema:
    """The scored table's columns: what was measured first, then the input's own that bear another name."""
    judged = {component.name for component in evaluator.objective.components}
    extra: dict[str, pa.DataType] = {}
    for name in evaluator.columns:
        extra[name] = pa.float64()
        if name in judged:
            extra[f"{name}.desirability"] = pa.float64()
    extra["alerts"] = pa.string()
    for field in source:
        if field.name not in extra and field.name not in SCORED.names:
            extra[field.name] = field.type
    return SCORED.schema(extra)


def _score_chunk(chunk: pa.Table, *, objective: Objective, schema: pa.Schema) -> pa.Table:
    """The scored rows of a chunk. Each distinct SMILES is parsed and measured once."""
    smiles = chunk["smiles"].to_pylist()
    places: dict[str | None, int] = {}
    rows = np.array([places.setdefault(text, len(places)) for text in smiles], np.int64)
    molecules, reasons = zip(*[_molecule(text) for text in places], strict=True)
    columns = _columns(evaluator_of(objective).evaluate(molecules), reasons)
    found = {name: values.take(pa.array(rows)) for name, values in columns.items()}
    found["smiles"] = pa.array(smiles, pa.string())
    return pa.table([found[name] if name in found else chunk[name] for name in schema.names], schema)


def _molecule(smiles: str | None) -> tuple[Chem.Mol | None, str | None]:
    """The molecule, or None and why there is none."""
    if smiles is None:
        return None, "no molecule"
    try:
        return parse(smiles), None
    except BadMolecule as error:
        return None, f"no molecule: {error.reason}"


def _columns(evaluation: Evaluation, reasons: tuple[str | None, ...]) -> dict[str, pa.Array]:
    failed = [reason or why for reason, why in zip(reasons, evaluation.failed, strict=True)]
    columns = {
        "score": pa.array(evaluation.score, pa.float64()),
        "passed": pa.array([why is None for why in failed], pa.bool_()),
        "failed": pa.array(failed, pa.string()),
        "alerts": pa.array([None if a is None else "; ".join(a) for a in evaluation.alerts], pa.string()),
    }
    for name, values in evaluation.raw.items():
        columns[name] = pa.array(values, pa.float64())
        if name in evaluation.desirability:
            columns[f"{name}.desirability"] = pa.array(evaluation.desirability[name], pa.float64())
    return columns
