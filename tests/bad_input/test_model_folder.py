"""A model folder that is truncated, of another version or another family: one line says so."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from .conftest import contents


def _config(folder, **changes):
    values = yaml.safe_load((folder / "config.yaml").read_text()) | changes
    (folder / "config.yaml").write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))


def _settings(folder, **changes):
    values = yaml.safe_load((folder / "config.yaml").read_text())
    _config(folder, settings=values["settings"] | changes)


def _cut(folder, name, kept):
    (folder / name).write_bytes((folder / name).read_bytes()[:kept])


def _header(folder):
    """Weights whose header promises more than the file has."""
    data = (folder / "weights.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    first = next(k for k in header if k != "__metadata__")
    header[first]["data_offsets"][1] += 4096
    text = json.dumps(header).encode().ljust(size)
    (folder / "weights.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])


DAMAGE = {
    "weights cut": (lambda f: _cut(f, "weights.safetensors", -100), "weights.safetensors is not whole"),
    "weights empty": (lambda f: _cut(f, "weights.safetensors", 0), "weights.safetensors is not whole"),
    "weights' header": (_header, "weights.safetensors is not whole"),
    "weights missing": (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors "),
    "config missing": (lambda f: (f / "config.yaml").unlink(), "not a model folder: no config.yaml in it"),
    "config empty": (lambda f: _cut(f, "config.yaml", 0), "a model of format None, this molgen reads 1"),
    "config cut": (lambda f: _cut(f, "config.yaml", 18), "config.yaml is not whole: no 'family' in it"),
    "config binary": (lambda f: (f / "config.yaml").write_bytes(b"\xff\xfe\0"), "config.yaml: not a text file"),
    "other version": (lambda f: _config(f, format=99), "a model of format 99, this molgen reads 1; use the version"),
    "other family": (lambda f: _config(f, family="smile"), "unknown family 'smile' (did you mean 'smiles'?"),
    "no family": (lambda f: _config(f, family=None), "config.yaml is not whole: no 'family' in it"),
    "no vocabulary": (lambda f: _config(f, vocabulary=None), "config.yaml is not whole"),
    "other width": (lambda f: _settings(f, width=32), "weights do not fit config.yaml"),
    "unknown setting": (lambda f: _settings(f, widht=32), "unknown key 'widht' (did you mean 'width'?"),
    "setting out of range": (lambda f: _settings(f, width=-1), "width = -1"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_sample_refuses_a_damaged_model(damage, place, chain, molgen):
    shutil.copytree(chain / "models" / "smiles", place / "model")
    change, message = DAMAGE[damage]
    change(place / "model")
    before = contents(place)
    code, _, messages = molgen("sample model --n 5 --out out.parquet")
    assert len(messages) == 1, messages
    assert message in messages[0]
    assert messages[0].startswith("molgen: model")
    assert code == 2
    assert contents(place) == before


@pytest.mark.parametrize("damage", ["config missing", "config empty", "config cut", "config binary", "other version",
                                    "weights missing", "no family"])  # fmt: skip
def test_show_refuses_what_is_no_model(damage, place, chain, molgen):
    shutil.copytree(chain / "models" / "smiles", place / "model")
    change, message = DAMAGE[damage]
    change(place / "model")
    code, _, messages = molgen("models show model")
    assert len(messages) == 1, messages
    assert message in messages[0]
    assert code == 2


def test_nothing_in_a_model_folder_is_run(place, chain, molgen):
    """A model from elsewhere is data: a YAML tag that would build an object is refused."""
    shutil.copytree(chain / "models" / "smiles", place / "model")
    (place / "model" / "config.yaml").write_text("format: !!python/object/apply:os.system ['touch ran']\n")
    code, _, messages = molgen("sample model --n 5 --out out.parquet")
    assert (code, len(messages)) == (2, 1)
    assert "not valid YAML" in messages[0]
    assert not (place / "ran").exists()
