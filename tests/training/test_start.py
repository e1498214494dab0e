"""Training from a trained model, in full and with low-rank adapters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError, MolgenError, SettingsError, Stopped
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
from molgen.training.settings import AdapterSettings, RunSettings, TrainingSettings
from molgen.training.train import train

MODEL = {"width": 32, "layers": 1, "heads": 2}
FIRST = TrainingSettings(molecules=1500, batch_size=50, learning_rate=5e-3)
FURTHER = TrainingSettings(molecules=400, batch_size=20, learning_rate=1e-3)
RINGS = ("c1ccccc1", "c1ccncc1", "C1CCNCC1", "C1CCOCC1", "c1ccc(C)cc1", "C1CCCC1")
SERIES = [f"{n * 'C'}{end}{ring}" for ring in RINGS for n in (1, 2, 3) for end in ("O", "N", "C(=O)N", "S")]


@pytest.fixture(scope="module")
def start(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained model."""
    out = tmp_path_factory.mktemp("start") / "model"
    train("smiles", features, out, RunSettings(model=MODEL, training=FIRST), accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own molecules: 72 of one kind, and two with an element that the start model does not know."""
    folder = tmp_path_factory.mktemp("series")
    (folder / "series.smi").write_text("\n".join([*SERIES, "C[Si](C)(C)c1ccccc1", "C[Si](C)(C)C1CCOCC1"]) + "\n")
    settings = PrepareSettings(fractions={"train": 0.6, "valid": 0.4})
    prepare([folder / "series.smi"], folder / "molecules", settings)
    featurize(folder / "molecules", folder / "features")
    return folder / "features"


def _further(series: Path, out: Path, start: Path, adapter: AdapterSettings | None = None, **changes: object) -> Path:
    settings = RunSettings(training=FURTHER.model_copy(update=changes), start=str(start), adapter=adapter)
    train("smiles", series, out, settings, accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def tuned(series: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fine-tuned in full."""
    return _further(series, tmp_path_factory.mktemp("tuned") / "model", start)


@pytest.fixture(scope="module")
def adapted(series: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with adapters; beside its start, as a project folder has them."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copytree(start, folder / "start")
    return _further(series, folder / "model", folder / "start", AdapterSettings(rank=4))


def _valid(folder: Path) -> list[float]:
    lines = [line.split(",") for line in (folder / "metrics.csv").read_text().split()[1:]]
    return [float(line[2]) for line in lines if line[1] == "valid"]


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
        assert _valid(folder)[0] == pytest.approx(float(loss.total / loss.weight), rel=0.01)  # bf16 there, fp32 here
        assert min(_valid(folder)) < 0.9 * _valid(folder)[0]


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
    assert min(_valid(tmp_path / "model")) < 0.9 * _valid(tmp_path / "model")[0]


def test_a_series_without_properties_teaches_a_model_with_conditions(series: Path, start: Path, tmp_path: Path) -> None:
    asked = {"conditions": ("logP",), "unconditional": 0.0}
    first = RunSettings(training=FURTHER, start=str(start), vocabulary="store", model=asked)
    train("smiles", series, tmp_path / "first", first, accelerator="cpu")
    (tmp_path / "series.smi").write_text("\n".join(SERIES) + "\n")
    prepare([tmp_path / "series.smi"], tmp_path / "molecules", PrepareSettings(properties=False))
    featurize(tmp_path / "molecules", tmp_path / "features")
    _further(tmp_path / "features", tmp_path / "model", tmp_path / "first", molecules=40)
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
    _further(series, tmp_path / "model", start, molecules=40)
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
            _further(series, tmp_path / "model", tmp_path / "start", adapter)
    _further(series, tmp_path / "model", tmp_path / "start", adapter)
    assert fingerprint(tmp_path / "model") == fingerprint(adapted if adapter else tuned)


def test_the_start_is_part_of_the_identity_by_its_content(series: Path, start: Path, tmp_path: Path) -> None:
    shutil.copytree(start, tmp_path / "start")
    out = _further(series, tmp_path / "model", tmp_path / "start", molecules=40)
    before = (out / "provenance.json").read_text()
    _further(series, out, start, molecules=40)  # elsewhere, the same content
    assert (out / "provenance.json").read_text() == before
    config = tmp_path / "start" / "config.yaml"
    config.write_text(config.read_text() + "\n# changed\n")
    with pytest.raises(ArtifactError, match="input start has changed"):
        _further(series, out, tmp_path / "start", molecules=40)


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
        _further(series, tmp_path / "model", Path("nowhere"))
    shutil.copytree(start, tmp_path / "start")
    config = tmp_path / "start" / "config.yaml"
    config.write_text(config.read_text().replace("family: smiles", "family: other"))
    with pytest.raises(SettingsError, match=r"is a .other. model, and .smiles. is to be trained"):
        _further(series, tmp_path / "model", tmp_path / "start")


def test_a_family_that_cannot_start_from_a_model_says_so(
    series: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "Startable", type("Never", (), {}))  # a type that no family is of
    with pytest.raises(SettingsError, match="start: a 'smiles' model cannot start from a trained one"):
        _further(series, tmp_path / "model", start)


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
    values = _valid(tmp_path / "further")
    model, store = load_model(str(tmp_path / "first"), device="cpu"), Store.open(series)
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    assert values[0] == pytest.approx(float(loss.total / loss.weight), rel=0.1)  # noise differs
    assert min(values) < 0.96 * values[0]
    if family == "graph-diffusion":  # one that is given a tally begins as it was
        settings = RunSettings(model={"tally": True}, training=further, start=str(tmp_path / "first"))
        train(family, series, tmp_path / "tally", settings, accelerator="cpu")
        assert _valid(tmp_path / "tally")[0] == values[0]
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


def test_a_gru_is_adapted_too(features: Path, series: Path, tmp_path: Path) -> None:
    model = {"width": 32, "layers": 1, "heads": 2, "architecture": "gru"}
    train("smiles", features, tmp_path / "gru", RunSettings(model=model, training=FIRST), accelerator="cpu")
    out = _further(series, tmp_path / "model", tmp_path / "gru", AdapterSettings(rank=4), learning_rate=1e-2)
    names = {name.rpartition(".")[0].rpartition(".")[2] for name in load_file(out / "weights.safetensors")}
    assert names == {"inputs", "hidden"}
    assert min(_valid(out)) < 0.98 * _valid(out)[0]
    assert load_model(str(out), device="cpu").sample(5, seed=0).smiles


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
    assert len(_valid(tuned)) == 2 + FURTHER.molecules // epoch  # before it starts, each epoch, and at the end


def test_a_run_that_never_improves_keeps_the_start(series: Path, start: Path, tmp_path: Path) -> None:
    out = _further(series, tmp_path / "model", start, learning_rate=3.0, warmup=0.0, molecules=5000, patience=2)
    assert len(_valid(out)) == 3
    before, after = (load_file(folder / "weights.safetensors") for folder in (start, out))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_adapters_are_small_and_apart(adapted: Path, start: Path) -> None:
    assert {p.name for p in adapted.iterdir()} == {
        "config.yaml", "weights.safetensors", "metrics.csv", "provenance.json", "tensorboard"
    }  # fmt: skip
    weights = load_file(adapted / "weights.safetensors")
    names = {name.rpartition(".")[0].rpartition(".")[2] for name in weights}
    assert names == {"qkv", "out", "up", "down"}
    assert all(t.dtype == torch.bfloat16 and 4 in t.shape for t in weights.values())
    assert yaml.safe_load((adapted / "config.yaml").read_text())["base"]["model"] == "../start"


def test_an_adapted_model_is_its_base_plus_the_products(adapted: Path, start: Path) -> None:
    base, model = load_model(str(start), device="cpu"), load_model(str(adapted), device="cpu")
    kept = load_file(adapted / "weights.safetensors")
    before, after = base.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    for name in before:
        change = torch.zeros_like(before[name])
        if f"{name.removesuffix('.weight')}.A" in kept:
            layer = name.removesuffix(".weight")
            change = kept[f"{layer}.B"].float() @ kept[f"{layer}.A"].float()
            assert change.abs().max() > 0
        assert torch.allclose(after[name], before[name] + change, atol=1e-6), name
    assert model.sample(20, seed=1) != base.sample(20, seed=1)


def test_the_adapted_model_has_the_loss_it_was_chosen_for(adapted: Path, series: Path) -> None:
    model = load_model(str(adapted), device="cpu")
    store = model.in_own_ids(Store.open(series))
    with torch.no_grad():
        loss = model.loss(model.collate(store, model.usable(store, store.rows("valid"))))
    assert float(loss.total / loss.weight) == pytest.approx(min(_valid(adapted)), rel=0.02)  # bf16 there


def test_an_adapter_goes_on_an_adapted_model(adapted: Path, series: Path, tmp_path: Path) -> None:
    out = _further(series, tmp_path / "model", adapted, AdapterSettings(rank=2, layers=("up",)), molecules=40)
    assert load_model(str(out), device="cpu").sample(5, seed=0).smiles


def _without(folder: Path) -> None:
    shutil.rmtree(folder / "start")


def _changed(folder: Path) -> None:
    config = folder / "start" / "config.yaml"
    config.write_text(config.read_text() + "\n# changed\n")


def _cut(folder: Path) -> None:
    (folder / "start" / "weights.safetensors").unlink()


def _nameless(folder: Path) -> None:
    values = yaml.safe_load((folder / "model" / "config.yaml").read_text())
    (folder / "model" / "config.yaml").write_text(yaml.safe_dump({k: v for k, v in values.items() if k != "base"}))


def _others(folder: Path) -> None:
    shutil.copy(folder / "start" / "weights.safetensors", folder / "model" / "weights.safetensors")
    weights = load_file(folder / "model" / "weights.safetensors")
    from safetensors.torch import save_file

    save_file({"network.nowhere.A": next(iter(weights.values())).clone()}, folder / "model" / "weights.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without, "model: its base model ../start is not there; put it at"),
        (_changed, r"model: its base model .*start has changed since; put the old one back"),
        (_cut, r"model: its base model cannot be read \(.*no such file"),
        (_nameless, "config.yaml is not whole: no 'base' in it"),
        (_others, "model: adapters do not fit their base"),
    ],
)
def test_an_adapter_without_its_base_is_one_clear_line(
    adapted: Path, tmp_path: Path, damage: object, message: str
) -> None:
    shutil.copytree(adapted.parent, tmp_path / "project")
    assert load_model(str(tmp_path / "project" / "model"), device="cpu").sample(2, seed=0).smiles  # moved together
    damage(tmp_path / "project")  # type: ignore[operator]
    with pytest.raises(MolgenError, match=message) as caught:
        load_model(str(tmp_path / "project" / "model"))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_adapters_need_a_start_and_layers_that_there_are(series: Path, start: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="adapters change a trained model; name it as start"):
        RunSettings.load(None, ["adapter.rank=8"])
    with pytest.raises(SettingsError, match=r"no linear layer 'uq' \(did you mean 'up'\?"):
        _further(series, tmp_path / "model", start, AdapterSettings(layers=("uq",)))


@pytest.mark.slow
def test_a_killed_adaptation_goes_on_and_ends_with_the_same_files(series: Path, start: Path, tmp_path: Path) -> None:
    settings = ["training.molecules=8000", "training.batch_size=20", f"start={start}", "adapter.rank=4"]
    command = [sys.executable, "-m", "molgen.cli.main", "train", "smiles", "--features", str(series)]
    command += [f"--set={s}" for s in settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MOLGEN_CHECKPOINT_SECONDS": "0.2"}
    process = subprocess.Popen([*command, "--out", str(tmp_path / "killed")], env=environment)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(f".killed.*.work/{loop.CHECKPOINT}")):
        assert time.monotonic() < deadline, "no checkpoint within two minutes"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "killed").exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, "--out", str(tmp_path / name)], env=environment, check=True, capture_output=True)
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")
