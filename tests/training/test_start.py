"""Training from a trained model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError, SettingsError, Stopped
from molgen.data.featurize import featurize
from molgen.data.prepare import prepare
from molgen.data.prepare_settings import PrepareSettings
from molgen.data.store import Store
from molgen.data.translate import in_vocabulary
from molgen.generators.folder import load_model
from molgen.generators.smiles import SmilesModel
from molgen.represent.tokens import BOS, UNKNOWN
from molgen.training import loop
from molgen.training import start as beginning
from molgen.training.settings import AdapterSettings, RunSettings
from molgen.training.train import train
from tests.training.conftest import FIRST, FURTHER, MODEL, SERIES, further, valid_losses


def test_a_store_in_another_vocabulary_reads_the_same(series: Path, start: Path) -> None:
    store, model = Store.open(series), load_model(str(start), device="cpu")
    seen = in_vocabulary(store, model.vocabulary)
    assert store.vocabulary.tokens != model.vocabulary.tokens
    for ours, theirs in zip(seen.smiles(np.arange(len(store))), store.smiles(np.arange(len(store))), strict=True):
        assert ours == theirs.replace("[Si]", "<unknown>")
    assert seen.header["unknown_tokens"] == (np.asarray(seen.tokens) == UNKNOWN).sum() == 2


def test_a_store_in_the_same_vocabulary_is_left_alone(features: Path) -> None:
    store = Store.open(features)
    assert in_vocabulary(store, store.vocabulary) is store


def test_it_keeps_the_starts_settings_vocabulary_and_lengths(start: Path, tuned: Path) -> None:
    before, after = (yaml.safe_load((f / "config.yaml").read_text()) for f in (start, tuned))
    assert before == after


def test_training_goes_on_from_the_starts_loss(tuned: Path, adapted: Path, series: Path, start: Path) -> None:
    model = load_model(str(start), device="cpu")
    store = model.in_own_ids(Store.open(series))
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    for folder in (tuned, adapted):
        assert valid_losses(folder)[0] == pytest.approx(
            float(loss.total / loss.weight), rel=0.01
        )  # bf16 there, fp32 here
        assert min(valid_losses(folder)) < 0.9 * valid_losses(folder)[0]


def test_a_start_is_carried_over_to_the_stores_tokens_and_lengths(
    series: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = RunSettings(training=FURTHER, start=str(start), vocabulary="store", model={"conditions": ("logP",)})
    store, known = Store.open(series), load_model(str(start), device="cpu")
    model, seen = beginning.Beginning.of(type(known), settings).model(store)
    assert seen is store
    assert model.vocabulary.tokens == store.vocabulary.tokens != known.vocabulary.tokens
    assert "[Si]" in model.vocabulary.tokens
    assert model.longest == store.header["longest"] + model.config.room != known.longest
    assert model.conditions.names == ["logP"]
    assert known.conditions is None
    assert _log_odds(model, "CCO", "CCN") == pytest.approx(_log_odds(known, "CCO", "CCN"), abs=1e-4)
    train("smiles", series, tmp_path / "model", settings, accelerator="cpu")
    assert "left out" not in capsys.readouterr().err
    assert min(valid_losses(tmp_path / "model")) < 0.9 * valid_losses(tmp_path / "model")[0]


def test_a_series_without_properties_teaches_a_model_with_conditions(series: Path, start: Path, tmp_path: Path) -> None:
    asked = {"conditions": ("logP",), "unconditional": 0.0}
    first = RunSettings(training=FURTHER, start=str(start), vocabulary="store", model=asked)
    train("smiles", series, tmp_path / "first", first, accelerator="cpu")
    (tmp_path / "series.smi").write_text("\n".join(SERIES) + "\n")
    prepare([tmp_path / "series.smi"], tmp_path / "molecules", PrepareSettings(properties=False))
    featurize(tmp_path / "molecules", tmp_path / "features")
    further(tmp_path / "features", tmp_path / "model", tmp_path / "first", molecules=40)
    before, after = (load_file(tmp_path / name / "weights.safetensors") for name in ("first", "model"))
    assert torch.equal(before["conditions.code.weight"] == 0, after["conditions.code.weight"] == 0)


def _log_odds(model: SmilesModel, one: str, other: str) -> float:
    """log p(one) / p(other) of two texts that differ in their last token only, without the ends."""
    tokens = torch.tensor([BOS, *model.vocabulary.encode(one[:-1]).tolist()])
    with torch.no_grad():
        logits = model.network(tokens, [(1, len(tokens))])[-1]
    first, second = (model.vocabulary.tokens.index(text[-1]) for text in (one, other))
    return float(logits[first] - logits[second])


def test_a_start_with_adapters_keeps_its_vocabulary(start: Path) -> None:
    with pytest.raises(ValueError, match="vocabulary: store is for a training in full"):
        RunSettings(start=str(start), vocabulary="store", adapter=AdapterSettings())
    with pytest.raises(ValueError, match="vocabulary: store is for a training in full"):
        RunSettings(vocabulary="store")


def test_molecules_that_the_start_cannot_read_are_counted(
    series: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    further(series, tmp_path / "model", start, molecules=40)
    said = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    counts = [int(line.split()[1]) for line in said]
    assert sum(counts) == 2
    assert said[0].endswith("left out: a token that the model does not know, or too long for it")


@pytest.mark.parametrize("adapter", [None, AdapterSettings(rank=4)])
def test_a_run_stopped_again_and_again_ends_with_the_same_files(
    series: Path,
    start: Path,
    tuned: Path,
    adapted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    adapter: AdapterSettings | None,
) -> None:
    shutil.copytree(start, tmp_path / "start")
    taken, plain = [0], loop.Loop._step

    def step(self: loop.Loop, rows: object) -> float:
        taken[0] += 1
        if taken[0] in (7, 14):
            os.kill(os.getpid(), 15)
        return plain(self, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.Loop, "_step", step)
    for _ in range(2):
        with pytest.raises(Stopped):
            further(series, tmp_path / "model", tmp_path / "start", adapter)
    further(series, tmp_path / "model", tmp_path / "start", adapter)
    assert fingerprint(tmp_path / "model") == fingerprint(adapted if adapter else tuned)


def test_the_start_is_part_of_the_identity_by_its_content(series: Path, start: Path, tmp_path: Path) -> None:
    shutil.copytree(start, tmp_path / "start")
    out = further(series, tmp_path / "model", tmp_path / "start", molecules=40)
    before = (out / "provenance.json").read_text()
    further(series, out, start, molecules=40)  # elsewhere, the same content
    assert (out / "provenance.json").read_text() == before
    config = tmp_path / "start" / "config.yaml"
    config.write_text(config.read_text() + "\n# changed\n")
    with pytest.raises(ArtifactError, match="input start has changed"):
        further(series, out, tmp_path / "start", molecules=40)


def test_settings_that_shape_the_weights_must_be_the_starts(series: Path, start: Path, tmp_path: Path) -> None:
    for model in ({"width": 32}, {"dropout": 0.1}):
        settings = RunSettings(model=model, training=FURTHER.model_copy(update={"molecules": 20}), start=str(start))
        train("smiles", series, tmp_path / str(len(model)) / next(iter(model)), settings, accelerator="cpu")
    assert yaml.safe_load((tmp_path / "1/dropout/config.yaml").read_text())["settings"]["dropout"] == 0.1
    settings = RunSettings(model={"width": 64}, training=FURTHER, start=str(start))
    with pytest.raises(SettingsError, match=r"model.width = 64: .*, the start, has 32; leave it out"):
        train("smiles", series, tmp_path / "model", settings)
    settings = RunSettings(model={"random_spelling": 0.5}, training=FURTHER, start=str(start))
    with pytest.raises(SettingsError, match="has no weights for these settings"):
        train("smiles", series, tmp_path / "model", settings)
    assert not (tmp_path / "model").exists()


def test_a_start_that_is_not_there_or_of_another_family_is_refused(series: Path, start: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="start: nowhere: no such model"):
        further(series, tmp_path / "model", Path("nowhere"))
    shutil.copytree(start, tmp_path / "start")
    config = tmp_path / "start" / "config.yaml"
    config.write_text(config.read_text().replace("family: smiles", "family: other"))
    with pytest.raises(SettingsError, match=r"is a .other. model, and .smiles. is to be trained"):
        further(series, tmp_path / "model", tmp_path / "start")


def test_a_family_that_cannot_start_from_a_model_says_so(
    series: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "Startable", type("Never", (), {}))  # a type that no family is of
    with pytest.raises(SettingsError, match="start: a 'smiles' model cannot start from a trained one"):
        further(series, tmp_path / "model", start)


GRAPHS = {
    "graph-vae": {"width": 32, "layers": 1, "heads": 2, "encoder_width": 16, "encoder_layers": 1, "vocabulary": 100},
    "graph-diffusion": {"width": 32, "layers": 1, "heads": 2, "edge_width": 8, "pair_width": 8},
}


@pytest.mark.parametrize("family", list(GRAPHS))
def test_models_of_graphs_start_from_a_trained_one(family: str, features: Path, series: Path, tmp_path: Path) -> None:
    first = FIRST.model_copy(update={"molecules": 600})
    train(family, features, tmp_path / "first", RunSettings(model=GRAPHS[family], training=first), accelerator="cpu")
    further = FURTHER.model_copy(update={"molecules": 600, "learning_rate": 5e-3, "average": 0.9})
    settings = RunSettings(training=further, start=str(tmp_path / "first"))
    train(family, series, tmp_path / "further", settings, accelerator="cpu")
    values = valid_losses(tmp_path / "further")
    model, store = load_model(str(tmp_path / "first"), device="cpu"), Store.open(series)
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    assert values[0] == pytest.approx(float(loss.total / loss.weight), rel=0.1)  # noise differs
    assert min(values) < 0.96 * values[0]
    if family == "graph-diffusion":  # one that is given a tally begins as it was
        settings = RunSettings(model={"tally": True}, training=further, start=str(tmp_path / "first"))
        train(family, series, tmp_path / "tally", settings, accelerator="cpu")
        assert valid_losses(tmp_path / "tally")[0] == values[0]
        silicon = RunSettings(training=further, start=str(tmp_path / "first"), vocabulary="store")
        with pytest.raises(SettingsError, match=r"vocabulary = store: a model of graphs"):
            train(family, series, tmp_path / "other", silicon, accelerator="cpu")


def test_atoms_of_another_store_are_known_by_what_they_are(features: Path, series: Path, tmp_path: Path) -> None:
    settings = RunSettings(model=GRAPHS["graph-diffusion"], training=FIRST.model_copy(update={"molecules": 100}))
    train("graph-diffusion", features, tmp_path / "model", settings, accelerator="cpu")
    level, store = load_model(str(tmp_path / "model"), device="cpu").level, Store.open(series)
    assert store.atom_symbols != level.symbols
    rows = np.concatenate([store.rows("train"), store.rows("valid")])
    sizes = level.sizes(store, rows)
    assert [store.smiles(rows[[i]])[0] for i in np.flatnonzero(sizes == 0)] == [
        text for text in store.smiles(rows) if "Si" in text
    ]
    for row in rows[sizes > 0][:40]:
        mine, again = level.graphs(store, np.array([row])), level.graph(store.smiles(np.array([row]))[0])
        assert again is not None
        assert sorted(mine.nodes.flatten().tolist()) == sorted(again.nodes.flatten().tolist())


def test_patience_needs_a_validation_split(features: Path, tmp_path: Path) -> None:
    shutil.copytree(features, tmp_path / "features")
    splits = np.load(features / "splits.npy")
    np.save(tmp_path / "features" / "splits.npy", np.where(splits == 1, 2, splits))
    settings = RunSettings(model=MODEL, training=FIRST.model_copy(update={"patience": 3}))
    with pytest.raises(InputError, match=r"training.patience = 3, but the valid split has no molecule"):
        train("smiles", tmp_path / "features", tmp_path / "model", settings)


def test_validation_is_once_an_epoch_unless_said_otherwise(series: Path, start: Path, tuned: Path) -> None:
    store, model = Store.open(series), load_model(str(start), device="cpu")
    seen = model.in_own_ids(store)
    epoch = len(model.usable(seen, seen.rows("train")))
    assert len(valid_losses(tuned)) == 2 + FURTHER.molecules // epoch  # before it starts, each epoch, and at the end


def test_a_run_that_never_improves_keeps_the_start(series: Path, start: Path, tmp_path: Path) -> None:
    out = further(series, tmp_path / "model", start, learning_rate=3.0, warmup=0.0, molecules=5000, patience=2)
    assert len(valid_losses(out)) == 3
    before, after = (load_file(folder / "weights.safetensors") for folder in (start, out))
    assert all(torch.equal(before[name], after[name]) for name in before)
