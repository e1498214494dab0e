"""The reference: what is drawn of a split does not depend on how the files are read."""

from __future__ import annotations

import numpy as np
import pytest

from molgen.chem.parse import canonical
from molgen.core.tables import PROPERTIES
from molgen.evaluate import reference as module
from molgen.evaluate.reference import Fetched, Reference, open_reference

from .prepared import TEST, TRAIN, write_molecules


@pytest.fixture(params=[2, 3, 65_536])
def _batch(request, monkeypatch):
    monkeypatch.setattr(module, "BATCH", request.param)


@pytest.mark.usefixtures("_batch")
def test_fetched_files_are_read_a_batch_at_a_time(tmp_path):
    text = "\ufeff" + "".join(f"{smiles} name{i}\n\n" for i, smiles in enumerate(TRAIN))
    (tmp_path / "train.smi").write_text(text, encoding="utf-8")
    (tmp_path / "test.smi").write_text("\n".join(TEST), encoding="utf-8")
    (tmp_path / "valid.smi").write_text("")
    found = open_reference(tmp_path, {TRAIN[0], TRAIN[-1], TEST[0], "[Xe]"})
    assert isinstance(found, Fetched)
    assert found.known == {TRAIN[0], TRAIN[-1]}
    assert found.rows == {"train": len(TRAIN), "valid": 0, "test": len(TEST)}
    assert found.draw("train", None, 0).smiles == list(TRAIN)
    assert found.draw("test", None, 0).smiles == list(TEST)
    assert found.draw("valid", None, 0) == found.draw("test_scaffolds", 3, 0) == ([], None)
    some = found.draw("train", 3, seed=1).smiles
    assert some == [smiles for smiles in TRAIN if smiles in some]
    assert len(some) == 3


@pytest.mark.usefixtures("_batch")
def test_a_prepared_table_is_read_a_batch_at_a_time(tmp_path):
    write_molecules(tmp_path, {"train": TRAIN, "test": TEST})
    found = open_reference(tmp_path, {canonical(TRAIN[1])})
    assert isinstance(found, Reference)
    assert found.known == {canonical(TRAIN[1])}
    whole = found.draw("train", None, 0)
    assert whole.smiles == [canonical(s) for s in TRAIN]
    assert whole.properties is not None
    assert whole.properties.shape == (len(TRAIN), len(PROPERTIES))
    some = found.draw("train", 3, seed=1)
    assert np.array_equal(some.properties, whole.properties[[whole.smiles.index(s) for s in some.smiles]])
    assert found.draw("none", None, 0).smiles == []
