"""Models that ship: every one in molgen/weights, and one exported here."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from molgen import export as stage
from molgen.cli.main import main
from molgen.core.errors import ArtifactError, InputError, SettingsError
from molgen.export import LARGEST, Facts, export
from molgen.generators import folder as folders
from molgen.generators.card import Card, card_text, read_card
from molgen.generators.folder import load_model, shipped
from molgen.training.settings import AdapterSettings, RunSettings, TrainingSettings
from molgen.training.train import train

METRICS = {
    "n": 1000,
    "metrics": {"valid": 0.91234, "FCD/Test": {"value": 0.1571, "low": 0.1, "high": 0.2}, "SNN/Test": None},
    "reference": {"rows": {"train": 300, "test": 50}},
}
FACTS = Facts("smiles-tiny", "zinc250k", hours=0.1, notes=("Made for a test.",))


@pytest.fixture(scope="module")
def trained(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model."""
    out = tmp_path_factory.mktemp("trained") / "model"
    training = TrainingSettings(molecules=600, batch_size=50, learning_rate=1e-2)
    settings = RunSettings(model={"width": 32, "layers": 1, "heads": 2}, training=training)
    train("smiles", features, out, settings, accelerator="cpu")
    return out


@pytest.fixture(scope="module")
def made(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as it ships."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    export(str(trained), folder / "weights", FACTS._replace(metrics=folder / "metrics.json"))
    return folder / "weights" / FACTS.name


@pytest.fixture(params=[*shipped(), "made"])
def model(request: pytest.FixtureRequest, made: Path) -> Path:
    """The folder of each model that ships, and of the one made here."""
    return shipped().get(request.param, made)


def test_it_is_small_and_whole(model: Path) -> None:
    assert {p.name for p in model.iterdir()} == {"config.yaml", "weights.safetensors", "card.md", "provenance.json"}
    assert (model / "weights.safetensors").stat().st_size <= LARGEST
    weights = load_file(model / "weights.safetensors")
    assert {t.dtype for t in weights.values() if t.is_floating_point()} == {torch.bfloat16}


def test_it_loads_and_draws_molecules(model: Path, made: Path) -> None:
    samples = load_model(str(model), device="cpu").sample(20, seed=0)
    assert len(samples.smiles) == 20
    if model != made:  # which has hardly been trained
        assert sum(s is not None for s in samples.smiles) >= 12


def test_its_card_is_about_it(model: Path) -> None:
    card = read_card(model)
    assert card is not None
    assert card.name == model.name
    assert card.family == yaml.safe_load((model / "config.yaml").read_text())["family"]
    assert card.parameters == sum(p.numel() for p in load_model(str(model), device="cpu").parameters())
    assert card.megabytes == pytest.approx((model / "weights.safetensors").stat().st_size / 1e6, abs=0.01)
    sections = re.findall(r"^## (\w+)", card_text(model), re.MULTILINE)
    assert sections == ["Data", "Settings", "Metrics", "Limits"]


def test_it_tells_nothing_of_the_machine_it_was_made_on(model: Path) -> None:
    record = json.loads((model / "provenance.json").read_text())
    assert set(record["made"]) == {"molgen", "time", "libraries"}
    for name in ("provenance.json", "card.md", "config.yaml"):
        assert not re.search(r'(^|[\s"\'])/(home|root|work|tmp|mnt|Users)/', (model / name).read_text()), name


def test_exported_weights_are_the_trained_ones_in_bf16(trained: Path, made: Path) -> None:
    before, after = (load_file(f / "weights.safetensors") for f in (trained, made))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name].bfloat16(), after[name]) for name in before)


def test_the_card_has_the_metrics_settings_and_limits(made: Path) -> None:
    card = read_card(made)
    assert card is not None
    assert card.metrics == {"valid": 0.9123, "FCD/Test": 0.1571}
    assert (card.draws, card.molecules, card.seen, card.hours, card.data) == (1000, 300, 600, 0.1, "zinc250k")
    staged = export(str(made), made.parents[1] / "staged", FACTS._replace(seen=5000))
    assert staged.seen == 5000
    text = card_text(made)
    assert "| FCD/Test | 0.1571 |" in text
    assert "width: 32" in text
    assert "learning_rate: 0.01" in text
    assert "- Made for a test." in text
    assert "ZINC is free to use" in text
    assert "molgen sample smiles-tiny" in text


@pytest.mark.parametrize("without", ["@", "+"])
def test_the_limits_follow_from_the_tokens(made: Path, without: str) -> None:
    tokens = yaml.safe_load((made / "config.yaml").read_text())["vocabulary"]
    says = {"@": "no stereochemistry", "+": "no charges"}[without]
    assert (says in card_text(made)) == (not any(without in t for t in tokens))


def test_an_adapted_model_ships_as_one(trained: Path, features: Path, tmp_path: Path) -> None:
    settings = RunSettings(
        training=TrainingSettings(molecules=100, batch_size=50), start=str(trained), adapter=AdapterSettings(rank=2)
    )
    train("smiles", features, tmp_path / "adapted", settings, accelerator="cpu")
    export(str(tmp_path / "adapted"), tmp_path, FACTS)
    merged = load_model(str(tmp_path / "adapted"), device="cpu", precision="bf16").state_dict()
    out = load_file(tmp_path / FACTS.name / "weights.safetensors")
    assert all(torch.equal(out[name], merged[name]) for name in out)


def test_too_large_a_name_or_unknown_data_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="letters, digits and hyphens only"):
        export(str(trained), tmp_path, FACTS._replace(name="../x"))
    with pytest.raises(InputError, match="did you mean 'zinc250k'"):
        export(str(trained), tmp_path, FACTS._replace(data="zinc250"))
    monkeypatch.setattr(stage, "LARGEST", 1000)
    with pytest.raises(ArtifactError, match=r"MB of weights in bf16, 12 MB at most ship; train a smaller one"):
        export(str(trained), tmp_path, FACTS)
    assert list(tmp_path.iterdir()) == []


def test_made_again_it_is_left_alone_and_with_other_facts_refused(made: Path, trained: Path) -> None:
    before = (made / "provenance.json").read_text()
    facts = FACTS._replace(metrics=made.parents[1] / "metrics.json")
    assert export(str(trained), made.parent, facts) == read_card(made)
    assert (made / "provenance.json").read_text() == before
    with pytest.raises(ArtifactError, match="exists with other settings"):
        export(str(trained), made.parent, facts._replace(hours=2.0))


@pytest.mark.parametrize("head", ["", "---\n- 1\n---\n", "---\n: [\n---\n", "---\nnme: x\n---\n"])
def test_a_damaged_card_is_one_clear_line(tmp_path: Path, head: str) -> None:
    (tmp_path / "card.md").write_text(f"{head}\n# text\n")
    with pytest.raises((ArtifactError, SettingsError), match=r"card.md: .+") as caught:
        read_card(tmp_path)
    assert "\n" not in str(caught.value)


def _said(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["molgen", *line.split()])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    return capsys.readouterr().out


def test_list_and_show_read_the_card(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folders, "shipped", lambda: {made.name: made})
    row = next(x for x in _said("models list", monkeypatch, capsys).splitlines() if made.name in x).split()
    card = read_card(made)
    assert isinstance(card, Card)
    assert row == [
        made.name, "smiles", f"{card.parameters / 1e6:.1f}", "M", f"{card.megabytes:.1f}", "zinc250k",
        "0.912", "-", "-", "-", "0.157",
    ]  # fmt: skip
    assert _said(f"models show {made.name}", monkeypatch, capsys).strip() == card_text(made)
