"""The further metrics in an evaluation: what is written, printed and said of bad input. ChemNet is pretended here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from molgen.cli.evaluate import summary
from molgen.comparing import Model, best
from molgen.core.errors import InputError, SettingsError
from molgen.evaluate import chemnet
from molgen.evaluate.evaluate import EvaluateSettings, evaluate
from molgen.evaluate.further.further import METRICS
from molgen.evaluate.further.names import FURTHER, GROUPS
from molgen.report.further import further_section

from .further.made import pretended, some
from .prepared import write_molecules

ALL = EvaluateSettings.parse({"further": "all"})
NAMES = [name for group in METRICS.values() for name in group]


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """ChemNet's numbers without its cost, and a cache of its own, for they are not real ones."""
    monkeypatch.setenv("MOLGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(chemnet, "activations", lambda smiles, **_: pretended(list(smiles)))


@pytest.fixture
def reference(tmp_path) -> Path:
    return write_molecules(tmp_path / "m", {"train": some(50), "test": some(25, 50)}, with_properties=False)


def drawn(tmp_path: Path, rows: list[str]) -> Path:
    file = tmp_path / "drawn.smi"
    file.write_text("\n".join(rows) + "\n")
    return file


def test_every_metric_has_a_meaning_and_a_group():
    assert tuple(METRICS) == GROUPS
    assert set(NAMES) <= set(FURTHER)
    assert {meaning.beside for meaning in FURTHER.values()} == {"", "train", "test"}


def test_all_of_them_are_measured_with_intervals(reference, tmp_path):
    file = drawn(tmp_path, [*some(30, 75), *some(5), "C1CC"])
    record = evaluate(file, reference, tmp_path / "m.json", ALL)
    assert record == json.loads((tmp_path / "m.json").read_text())
    for name in NAMES:
        if name == "ScafCoverage/TestSF":
            assert "test_scaffolds" in record["notes"][name]
            continue
        value, (low, high) = record["metrics"][name], record["intervals"][name]
        assert low <= value <= high, name
    beside = record["further"]["beside"]
    for kind in ("train", "test"):
        assert set(beside[kind]) == {n for n in NAMES if FURTHER[n].beside == kind} - {"ScafCoverage/TestSF"}
    assert record["floor"]["metrics"]["KCD/Test"] == beside["train"]["KCD/Test"]
    assert record["metrics"]["NearestTrainTail"] >= 5 / 35
    assert record["further"]["compared"] == {"generated": 35, "test": 25, "train": 25, "train beside": 25}
    assert "KCD/Test" in summary(record)
    other = {**record, "metrics": record["metrics"] | {"KCD/Test": record["metrics"]["KCD/Test"] - 1}}
    assert best([Model("a", [record]), Model("b", [other])], "KCD/Test") == ["b"]
    page = further_section(type("Run", (), {"metrics": {"<smiles>": record}}))
    assert "Net charge: neutral" in page
    assert "Nearest training molecule" in page
    assert "<smiles>" not in page
    again = evaluate(file, reference, tmp_path / "again.json", ALL, workers=2)
    assert again == record  # from the cache, and whatever the number of workers


def test_only_what_is_asked_for_is_measured(reference, tmp_path):
    file = drawn(tmp_path, some(30, 75))
    record = evaluate(file, reference, tmp_path / "m.json", EvaluateSettings.parse({"further": "balance"}))
    assert set(NAMES) & set(record["metrics"]) == set(METRICS["balance"])
    assert "further" not in evaluate(file, reference, tmp_path / "n.json")
    with pytest.raises(SettingsError, match="further"):
        EvaluateSettings.parse({"further": ["balence"]})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["C1CC"] * 30, {name: "no valid molecule was drawn" for name in NAMES if name != "GuacaMol/Valid"}),
        (["Cc1ccccc1"], {"KCD/Test": "needs 2 valid draws", "Recall/Morgan": "needs 6 valid draws, there is 1"}),
        (["Cc1ccccc1"] * 30, {"GuacaMol/KL": "needs two distinct molecules"}),
    ],
)
def test_too_few_or_equal_molecules_cost_a_metric_and_no_other(rows, said, reference, tmp_path):
    record = evaluate(drawn(tmp_path, rows), reference, tmp_path / "m.json", ALL)
    missing = {name for name in NAMES if record["metrics"].get(name) is None} - {"ScafCoverage/TestSF"}
    for name in missing:
        assert record["notes"][name], name
    for name, why in said.items():
        if name == "ScafCoverage/TestSF":
            continue
        assert name in missing
        assert why in record["notes"][name]
    assert all(np.isfinite(record["metrics"][name]) for name in NAMES if name not in missing | {"ScafCoverage/TestSF"})
    if len(rows) > 1 and rows[0] != "C1CC":
        assert missing == set(said)


def test_without_chemnet_the_others_are_measured(reference, tmp_path, monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise chemnet.ChemNetMissingError("ChemNet's weights are missing; pip install it")

    monkeypatch.setattr(chemnet, "activations", missing)
    record = evaluate(drawn(tmp_path, some(30, 75)), reference, tmp_path / "m.json", ALL)
    for name in NAMES:
        if "ChemNet" in name or name in ("KCD/Test", "GuacaMol/FCD"):
            assert record["metrics"][name] is None
            assert "pip install" in record["notes"][name]
        elif name != "ScafCoverage/TestSF":
            assert record["metrics"][name] is not None, name


def test_a_reference_of_a_train_split_alone(tmp_path):
    reference = write_molecules(tmp_path / "t", {"train": some(50)}, with_properties=False)
    record = evaluate(drawn(tmp_path, some(30, 75)), reference, tmp_path / "m.json", ALL)
    assert record["metrics"]["RingNovelty"] is not None
    assert record["metrics"]["NearestTrain"] is not None
    assert "KCD/Test" not in record["metrics"]
    for name in ("KCD/Test", "Imbalance/size", "NearestTrainTail"):
        assert record["notes"][name] == "the reference has no 'test' split"


def test_likelihoods_of_a_model_stand_in_the_same_table(reference, features, tmp_path):
    import torch

    from molgen.data.store import Store
    from molgen.generators.smiles import SmilesModel
    from molgen.generators.smiles_settings import SmilesConfig

    torch.manual_seed(0)
    model = tmp_path / "model"
    model.mkdir()
    SmilesModel.build(SmilesConfig(width=16, layers=1, heads=2), Store.open(features)).save(model)
    (tmp_path / "other.smi").write_text("\n".join(some(30, 90)) + "\n")
    file = drawn(tmp_path, some(30, 75))
    record = evaluate(file, reference, tmp_path / "m.json", model=str(model), other=tmp_path / "other.smi")
    for name in ("Nats/Test", "Perplexity/Train", "MembershipAUC", "OutlierAUC"):
        low, high = record["intervals"][name]
        assert low <= record["metrics"][name] <= high
    assert record["metrics"]["MembershipAUC"] == pytest.approx(0.5, abs=0.3)
    assert "test_scaffolds" in record["notes"]["Nats/TestSF"]
    assert record["further"]["compared"]["likelihood other"] == 30
    with pytest.raises(InputError, match=r"--other .*needs --model"):
        evaluate(file, reference, tmp_path / "n.json", other=tmp_path / "other.smi")
