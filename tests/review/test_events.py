"""The event table: only added to, each event once, nothing acknowledged lost; and what events add up to."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from molgen.core.errors import ArtifactError, InputError
from molgen.review.events import Event, Events, Opinion, database_of, decisions, opinions, read_decisions, read_events
from molgen.review.review import import_decisions, write_decisions

NOW = "2026-01-02T03:04:05Z"


def said(place: int, kind: str = "verdict", value: object = "like", reviewer: str = "ann", smiles: str = "CCO") -> dict:
    return {
        "id": f"event-{place:05d}",
        "time": NOW,
        "reviewer": reviewer,
        "smiles": smiles,
        "kind": kind,
        "value": value,
    }


def events(*items: dict) -> list[Event]:
    return read_events({"events": list(items)}, "test")


def test_events_come_back_in_order_and_once(tmp_path: Path) -> None:
    store = Events(tmp_path / "d.sqlite")
    assert store.add(events(said(1), said(2, "comment", "<b>'; DROP TABLE event; --"))) == 2
    assert store.add(events(said(2, "comment", "again"), said(3, "atoms", [1, 2]))) == 1
    found = store.after()
    assert [e["id"] for e in found] == ["event-00001", "event-00002", "event-00003"]
    assert found[1]["value"] == "<b>'; DROP TABLE event; --"
    assert store.after(found[1]["seq"]) == found[2:]


def test_nothing_is_changed_or_removed(tmp_path: Path) -> None:
    Events(tmp_path / "d.sqlite").add(events(said(1)))
    with sqlite3.connect(tmp_path / "d.sqlite") as database:
        for command in ("DELETE FROM event", "UPDATE event SET reviewer = 'eve'"):
            with pytest.raises(sqlite3.IntegrityError, match="only added"):
                database.execute(command)


def test_what_holds_is_the_last_word_of_each_reviewer() -> None:
    log = [
        said(1), said(2, value="reject", reviewer="bob"), said(3, "tag", "novel"), said(4, "tag", "reactive"),
        said(5, "untag", "novel"), said(6, "comment", "see ring"), said(7, value="maybe"), said(8, "atoms", [3]),
    ]  # fmt: skip
    assert opinions(log)["CCO"] == {
        "ann": Opinion("maybe", {"reactive"}, "see ring", [3]),
        "bob": Opinion("reject"),
    }
    undone = [*log, said(9, "undo", "event-00007"), said(10, "undo", "event-00006")]
    assert opinions(undone)["CCO"]["ann"] == Opinion("like", {"reactive"}, "", [3])
    assert opinions([said(1), said(2, value=None)])["CCO"]["ann"].verdict is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "verdict", "value": "love"}, "cannot have"),
        ({"kind": "comment", "value": "x" * 2_001}, "cannot have"),
        ({"kind": "atoms", "value": [-1]}, "cannot have"),
        ({"kind": "delete"}, "kind"),
        ({"reviewer": ""}, "reviewer"),
        ({"id": "../../etc"}, "id"),
        ({"time": "yesterday"}, "time"),
        ({"smiles": "C" * 2_001}, "smiles"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=f"test: event 2: .*{message}"):
        events(said(1), said(2) | change)


def test_a_mailed_file_is_taken_in_once_and_whole(tmp_path: Path) -> None:
    mailed, bad = tmp_path / "decisions.json", tmp_path / "bad.json"
    mailed.write_text(json.dumps({"events": [said(1), said(2, "tag", "novel")]}))
    assert (import_decisions(tmp_path, [mailed]), import_decisions(tmp_path, [mailed])) == (2, 0)
    bad.write_text(json.dumps({"events": [said(3), {"id": "x"}]}))
    with pytest.raises(InputError, match=r"bad\.json: event 2"):
        import_decisions(tmp_path, [bad])
    assert len(decisions(tmp_path)) == 2
    assert write_decisions(tmp_path, tmp_path / "out.json") == 2
    assert [e.id for e in read_decisions(tmp_path / "out.json")] == ["event-00001", "event-00002"]
    for text, message in (("{", "not JSON"), ("[]", "no decisions in it")):
        bad.write_text(text)
        with pytest.raises(InputError, match=message):
            read_decisions(bad)


def test_what_is_no_table_is_refused_and_no_decisions_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no decisions yet"):
        decisions(tmp_path)
    database_of(tmp_path).parent.mkdir()
    database_of(tmp_path).write_bytes(b"not a database" * 100)
    with pytest.raises(ArtifactError, match="not a table of decisions"):
        decisions(tmp_path)


def write_until_killed(file: Path, writer: int, pipe: int) -> None:
    store, place = Events(file), 0
    while True:
        event = said(place, reviewer=f"writer {writer}") | {"id": f"writer-{writer}-{place:06d}"}
        store.add(events(event))
        os.write(pipe, f"{event['id']}\n".encode())  # acknowledged
        place += 1


def test_nothing_acknowledged_is_lost_in_twenty_kills_of_two_writers(tmp_path: Path) -> None:
    """Two processes write to one table at once, and are killed at a random moment, ten times."""
    file, chance, acknowledged = tmp_path / "d.sqlite", random.Random(0), set[str]()
    context = multiprocessing.get_context("fork")
    for round_ in range(10):
        ours, theirs = os.pipe()
        writers = [context.Process(target=write_until_killed, args=(file, 2 * round_ + i, theirs)) for i in range(2)]
        for writer in writers:
            writer.start()
        os.close(theirs)
        received = os.read(ours, 100)  # the first acknowledgement: from here on, any moment
        time.sleep(chance.uniform(0, 0.15))
        for writer in writers:
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()
        while part := os.read(ours, 65_536):
            received += part
        os.close(ours)
        acknowledged |= set(received.decode().split("\n")[:-1])
        assert acknowledged <= {event["id"] for event in Events(file).after()}
    assert len(acknowledged) >= 10
