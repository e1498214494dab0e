"""`screen`: a library of any size to its best K molecules under an objective, going on where a kill stopped it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from molgen.core.artifacts import Identity, already_made, building, remove
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.workers import map_ordered
from molgen.data.library import Library, Piece, Shard, pieces, shards
from molgen.data.readers import Columns
from molgen.scoring.evaluator import Evaluator, evaluators_closed
from molgen.scoring.objective import Objective
from molgen.screening.best import Best
from molgen.screening.chunk import Task, screen_chunk
from molgen.screening.journal import Journal
from molgen.screening.part import Counts, Part
from molgen.screening.result import SUMMARY, write_result
from molgen.screening.settings import Plan, ScreenSettings

__all__ = ["ScreenSettings", "screen"]


def screen(
    inputs: Sequence[Path],
    objective: Objective,
    out: Path,
    *,
    top: int,
    settings: ScreenSettings | None = None,
    shard: Shard | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Writes the folder `out` (docs/verbs/screen.md) and returns its summary.

    With a `shard`, that part of the library alone; `merge` joins the folders of all. What is done so far lies in a
    hidden folder beside `out`, keyed by the identity; the same call goes on from there. PartialError, with the output
    written, if a file could not be read to its end; InputError if the library holds no molecule.
    """
    plan = Plan(objective, top, settings or ScreenSettings())
    chosen, values = _chosen(inputs, plan, shard)
    identity = Identity("screen", values, {_key(piece): piece.content() for piece in chosen})
    name = f".{out.name}.{identity.key}."
    work = out.parent / f"{name}{plan.settings.chunk}.work"
    if not already_made(out, identity):
        with Evaluator(objective):  # a bad objective ends before any work
            columns = Columns(plan.settings.smiles_column, plan.settings.name_column)
            library = Library(chosen, columns, plan.settings.chunk)
        journal = Journal(work, plan)
        _run(library, plan, journal, workers)
        whole = Counts(lines=Counter(library.lines), blank=library.blank, damage=library.damage)
        parts = journal.finish(library.batches)
        with building(out, identity, workers=workers) as aside:
            write_result(aside, parts, whole, plan, shard=shard, where=_where(inputs), work=work)
    for path in list(out.parent.iterdir()):  # also those of other sizes of chunks
        if path.name.startswith(name) and path.suffix == ".work":
            remove(path)
    return finished(out)


def _chosen(inputs: Sequence[Path], plan: Plan, shard: Shard | None) -> tuple[list[Piece], dict[str, Any]]:
    """The pieces of files to read, and what the identity says besides their content."""
    whole = pieces(inputs, "screen")
    values = {**plan.identity(), "files": [piece.label for piece in whole]}  # their order decides between equal rows
    if shard is None:
        return whole, values
    cut = shards(whole, shard.of)
    if not cut[shard.number - 1]:
        raise InputError(f"--shard {shard.number}/{shard.of}: nothing begins in it (large files that cannot be cut)")
    empty = [number for number, found in enumerate(cut, 1) if not found]
    return cut[shard.number - 1], {**values, "shard": shard.number, "of": shard.of, "empty": empty}


def _key(piece: Piece) -> str:
    return piece.label if piece.end is None else f"{piece.label} from byte {piece.start}"


def _where(inputs: Sequence[Path]) -> str:
    return str(inputs[0]) if len(inputs) == 1 else f"{len(inputs)} files"


def _run(library: Library, plan: Plan, journal: Journal, workers: int) -> None:
    """Does every chunk that is not done."""
    best = Best(plan.kept, plan.per_scaffold)
    done = Counts()
    for part in journal.parts():
        done += part.counts
        _add(best, part)

    def tasks() -> Iterator[Task]:
        for batch in library:
            if not journal.is_done(batch.number):
                yield Task(batch, best.floor)

    with progress("screen", None, "molecules", done=done.read) as bar, evaluators_closed():
        work = partial(screen_chunk, plan=plan, folder=journal.chunks)
        for number, read, counts in map_ordered(work, tasks(), workers):
            _add(best, journal.add(number))
            journal.join_up_to(number)
            done += counts
            bar.advance(counts.read, f"{done.passed:,} passed", fraction=read)


def _add(best: Best, part: Part) -> None:
    rows = part.best()
    if rows is not None:
        best.add(rows)


def finished(out: Path) -> dict[str, Any]:
    """The summary of a finished folder; PartialError if part of the library could not be read."""
    summary: dict[str, Any] = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
    if summary["damage"]:
        raise PartialError("; ".join(summary["damage"]))
    return summary
