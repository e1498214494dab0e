"""Artifacts: whole or not at all, made once, refused under another identity."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from molgen.core import artifacts
from molgen.core.artifacts import (
    Identity,
    already_made,
    building,
    fingerprint,
    read_provenance,
    sidecar,
    whole_file,
    work_path,
    write_json,
)
from molgen.core.errors import ArtifactError, InputError


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.smi"
    path.write_text("CCO\n")
    return path


@pytest.fixture
def identity(source):
    return Identity.of("score", {"width": 8, "mode": "fast"}, {"molecules": source}, 3)


def make(out: Path, identity: Identity, *, folder: bool) -> None:
    with building(out, identity, workers=2) as aside:
        if folder:
            aside.mkdir()
        (aside / "a.txt" if folder else aside).write_text("content")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


def test_identity_is_verb_settings_seed_and_content(source, identity, tmp_path):
    other = tmp_path / "elsewhere.smi"
    other.write_text("CCO\n")
    same = Identity.of("score", {"mode": "fast", "width": 8}, {"molecules": other}, 3)
    assert same.key == identity.key
    assert len(identity.key) == 12
    others = [
        Identity.of("rank", {"width": 8, "mode": "fast"}, {"molecules": source}, 3),
        Identity.of("score", {"width": 9, "mode": "fast"}, {"molecules": source}, 3),
        Identity.of("score", {"width": 8, "mode": "fast"}, {"molecules": source}, 4),
        Identity.of("score", {"width": 8, "mode": "fast"}, {"other": source}, 3),
    ]
    other.write_text("CCN\n")
    others.append(Identity.of("score", {"width": 8, "mode": "fast"}, {"molecules": other}, 3))
    assert len({i.key for i in [*others, identity]}) == 6


@pytest.mark.parametrize("folder", [True, False])
def test_made_once(folder, identity, tmp_path):
    out = tmp_path / "deep" / "out.x"
    assert not already_made(out, identity)
    make(out, identity, folder=folder)
    assert already_made(out, identity)
    record = read_provenance(out)
    assert record is not None
    assert record["key"] == identity.key
    assert record["identity"] == json.loads(json.dumps(identity.values()))
    assert record["made"]["workers"] == 2
    assert "numpy" in record["made"]["libraries"]
    assert names(out.parent) == (["out.x"] if folder else ["out.provenance.json", "out.x"])


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize(
    ("verb", "settings", "seed", "content", "difference"),
    [
        ("score", {"width": 9, "mode": "fast"}, 3, "CCO\n", "width: 8 there, 9 asked for"),
        ("score", {"width": 8, "mode": "fast"}, 4, "CCO\n", "seed: 3 there, 4 asked for"),
        ("rank", {"width": 8, "mode": "fast"}, 3, "CCO\n", "made by 'score', not by 'rank'"),
        ("score", {"width": 8, "mode": "fast"}, 3, "CCN\n", "input molecules has changed"),
        ("score", {"mode": "exact"}, 3, "CCO\n", "mode: 'fast' there, 'exact' asked for; width: 8 there, None asked"),
    ],
)
def test_another_identity_is_refused_with_the_difference(
    folder, verb, settings, seed, content, difference, identity, source, tmp_path
):
    out = tmp_path / "out.x"
    make(out, identity, folder=folder)
    source.write_text(content)
    with pytest.raises(ArtifactError) as error:
        already_made(out, Identity.of(verb, settings, {"molecules": source}, seed))
    assert str(error.value).startswith(f"{out}: exists with other settings ({difference}")
    assert str(error.value).endswith("; remove it or choose another --out")


def test_what_molgen_did_not_make_is_not_touched(identity, tmp_path):
    for out in (tmp_path / "file.parquet", tmp_path / "folder"):
        inside = out if out.suffix else out / "mine.txt"
        inside.parent.mkdir(exist_ok=True)
        inside.write_text("mine")
        with pytest.raises(ArtifactError, match="exists and molgen did not finish it; remove it or choose another"):
            already_made(out, identity)
        assert inside.read_text() == "mine"


def test_an_empty_folder_may_be_built_into(identity, tmp_path):
    (tmp_path / "out").mkdir()
    assert not already_made(tmp_path / "out", identity)
    make(tmp_path / "out", identity, folder=True)
    assert names(tmp_path / "out") == ["a.txt", "provenance.json"]


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_an_error_leaves_nothing_unless_it_is_to_be_kept(folder, keep, identity, tmp_path, source):
    out = tmp_path / "out"

    def fail() -> None:
        with building(out, identity, keep=keep) as aside:
            if folder:
                aside.mkdir()
            (aside / "a.txt" if folder else aside).write_text("half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert names(tmp_path) == ([work_path(out, identity).name] if keep else []) + [source.name]
    with building(out, identity, keep=keep) as aside:
        assert aside.exists() == keep  # found again
        if folder:
            aside.mkdir(exist_ok=True)
        (aside / "a.txt" if folder else aside).write_text("whole")
    assert (out / "a.txt" if folder else out).read_text() == "whole"
    assert already_made(out, identity)


@pytest.mark.parametrize("folder", [True, False])
def test_killed_between_provenance_and_rename(folder, identity, tmp_path, monkeypatch):
    out, replace = tmp_path / "out.x", Path.replace

    def killed(path: Path, target: Path) -> Path:
        if target == out:
            raise Killed
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        patch.setattr(artifacts, "remove", lambda path: None)  # a killed process tidies nothing
        with pytest.raises(Killed):
            make(out, identity, folder=folder)
    assert work_path(out, identity).exists()
    assert not out.exists()
    assert not already_made(out, identity)
    make(out, identity, folder=folder)
    assert already_made(out, identity)
    assert not work_path(out, identity).exists()


def test_a_file_cannot_take_the_place_of_a_folder(identity, tmp_path, source):
    out = tmp_path / "out.parquet"
    out.mkdir()
    with pytest.raises(ArtifactError, match="a folder, where a file is to be written; name a file as --out"):
        make(out, identity, folder=False)
    assert names(tmp_path) == ["out.parquet", source.name]


def test_fingerprint_of_a_folder(tmp_path):
    folder = tmp_path / "a"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "x.txt").write_text("1")
    first = fingerprint(folder)
    for ignored in ("provenance.json", "tensorboard/events.1", ".snakemake_timestamp"):
        (folder / ignored).parent.mkdir(exist_ok=True)
        (folder / ignored).write_text(os.urandom(4).hex())
        assert fingerprint(folder) == first
    (folder / "deep" / "provenance.json").write_text("content, for it lies deeper")
    assert fingerprint(folder) != first
    (folder / "deep" / "provenance.json").unlink()
    (folder / "deep" / "x.txt").rename(folder / "deep" / "y.txt")
    assert fingerprint(folder) != first
    (folder / "deep" / "y.txt").rename(folder / "deep" / "x.txt")
    (folder / "deep" / "x.txt").write_text("2")
    assert fingerprint(folder) != first
    with pytest.raises(InputError, match="none: no such file; check the path"):
        fingerprint(tmp_path / "none")


def test_provenance_that_is_none(tmp_path):
    for text in ("", "[1]", "{", "\x00"):
        (tmp_path / "provenance.json").write_text(text)
        assert read_provenance(tmp_path) is None
    assert sidecar(Path("a/samples.parquet")) == Path("a/samples.provenance.json")


def test_whole_file_or_the_one_before(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as aside:
        aside.write_text("one")
        assert not path.exists()

    def fail() -> None:
        with whole_file(path) as aside:
            aside.write_text("tw")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert path.read_text() == "one"
    assert names(path.parent) == ["a.txt"]


def test_json_is_plain(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": np.float32(0.5), 1: (math.nan, np.int64(3)), "µ": None})
    assert json.loads(path.read_text(encoding="utf-8")) == {"x": 0.5, "1": [None, 3], "µ": None}
    assert "µ" in path.read_text(encoding="utf-8")
