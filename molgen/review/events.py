"""What reviewers said: one table of events, only ever added to. It is audit trail, undo and agreement at once."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from molgen.core.errors import ArtifactError, InputError
from molgen.core.settings import Settings

FORMAT = "molgen decisions 1"
LONGEST_COMMENT, LONGEST_TAG = 2_000, 60
VERDICTS = ("like", "maybe", "reject")
KINDS = ("verdict", "tag", "untag", "comment", "atoms", "undo")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    received TEXT NOT NULL,
    time TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    smiles TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    origin TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS event_is_not_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE TRIGGER IF NOT EXISTS event_is_not_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
"""


class Event(Settings):
    """Something that one reviewer said about one molecule.

    `value` is a verdict or None (taken back), a tag, a comment, atom numbers in the order of the SMILES, or for `undo`
    the id of the event that does not hold any more.
    """

    id: str = Field(pattern=r"^[0-9A-Za-z_-]{8,64}$")
    time: datetime
    reviewer: str = Field(min_length=1, max_length=60)
    smiles: str = Field(min_length=1, max_length=2_000)
    kind: Literal["verdict", "tag", "untag", "comment", "atoms", "undo"]
    value: str | list[int] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        value = self.value
        fits = {
            "verdict": value is None or value in VERDICTS,
            "tag": isinstance(value, str) and 0 < len(value) <= LONGEST_TAG,
            "untag": isinstance(value, str) and 0 < len(value) <= LONGEST_TAG,
            "comment": isinstance(value, str) and len(value) <= LONGEST_COMMENT,
            "atoms": isinstance(value, list) and len(value) <= 500 and all(0 <= a < 1_000 for a in value),
            "undo": isinstance(value, str) and 0 < len(value) <= 64,
        }
        if not fits[self.kind]:
            raise ValueError(f"a value that a {self.kind!r} cannot have")
        return self


@dataclass
class Opinion:
    """What holds now of one reviewer about one molecule."""

    verdict: str | None = None
    tags: set[str] = field(default_factory=set)
    comment: str = ""
    atoms: list[int] = field(default_factory=list)


def read_events(record: Any, where: str) -> list[Event]:
    """The events in a decisions file or request; an InputError says which one is not as it should be."""
    items = record.get("events") if isinstance(record, Mapping) else None
    if not isinstance(items, list):
        raise InputError(f"{where}: no decisions in it; expected {{'format': '{FORMAT}', 'events': [...]}}")
    events = []
    for place, item in enumerate(items, 1):
        known = {k: v for k, v in item.items() if k in Event.model_fields} if isinstance(item, Mapping) else {}
        try:
            events.append(Event.model_validate(known))
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(map(str, problem["loc"])) or "event"
            raise InputError(f"{where}: event {place}: {key}: {problem['msg'].removeprefix('Value error, ')}") from None
    return events


def read_decisions(file: Path) -> list[Event]:
    """The events of a decisions file, as the page saves it."""
    try:
        return read_events(json.loads(file.read_text(encoding="utf-8")), str(file))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise InputError(f"{file}: not JSON; `Save decisions` of the page writes what is expected") from None


class Events:
    """The event table of a run, in an SQLite file. `add` returns when the events are on the disk."""

    def __init__(self, file: Path, *, readonly: bool = False) -> None:
        self.file, self._lock = file, threading.Lock()
        try:
            if readonly:
                self._database = sqlite3.connect(
                    f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
                )
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(file, timeout=30, check_same_thread=False)
                self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
            self._database.execute("SELECT seq, id, origin FROM event LIMIT 1")
        except sqlite3.DatabaseError as error:
            raise ArtifactError(f"{file}: not a table of decisions ({error}); move it away") from None

    def add(self, events: Sequence[Event], origin: str = "page") -> int:
        """Adds the events that are not known yet, all or none of them; how many that were."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [
            (e.id, now, e.time.isoformat(), e.reviewer, e.smiles, e.kind, json.dumps(e.value), origin) for e in events
        ]
        with self._lock, self._database:
            before = self._database.total_changes
            self._database.executemany(
                "INSERT INTO event (id, received, time, reviewer, smiles, kind, value, origin) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                rows,
            )
            return self._database.total_changes - before

    def after(self, seq: int = 0) -> list[dict[str, Any]]:
        """The events behind a number, in the order in which they arrived."""
        with self._lock:
            rows = self._database.execute(
                "SELECT seq, id, time, reviewer, smiles, kind, value FROM event WHERE seq > ? ORDER BY seq", (seq,)
            ).fetchall()
        names = ("seq", "id", "time", "reviewer", "smiles", "kind")
        return [{**dict(zip(names, row, strict=False)), "value": json.loads(row[-1])} for row in rows]

    def close(self) -> None:
        self._database.close()


def opinions(events: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Opinion]]:
    """What the events add up to: SMILES -> reviewer -> opinion. An event that was undone does not count."""
    events = list(events)
    undone = {e["value"] for e in events if e["kind"] == "undo"}
    found: dict[str, dict[str, Opinion]] = defaultdict(lambda: defaultdict(Opinion))
    for event in events:
        kind, value = event["kind"], event["value"]
        if kind == "undo" or event["id"] in undone:
            continue
        mine = found[event["smiles"]][event["reviewer"]]
        if kind == "tag":
            mine.tags.add(value)
        elif kind == "untag":
            mine.tags.discard(value)
        else:
            setattr(mine, kind, value)
    return {smiles: dict(by) for smiles, by in found.items()}


def decisions(run: Path) -> list[dict[str, Any]]:
    """The events of a run folder; an InputError if nobody has decided there."""
    file = database_of(run)
    if not file.is_file():
        raise InputError(f"{run}: no decisions yet; `molgen review {run}` takes them")
    store = Events(file, readonly=True)
    try:
        return store.after()
    finally:
        store.close()


def database_of(run: Path) -> Path:
    """Where a run keeps its decisions."""
    return run / "review" / "decisions.sqlite"
