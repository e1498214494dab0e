"""`likelihood`: exact for a spelling, a lower bound for a molecule; against enumeration on a toy vocabulary."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from rdkit import Chem

import molgen.likelihood
from molgen.core.errors import ArtifactError, InputError, SettingsError
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.likelihood import UNWRITABLE, Request, likelihood, log_sum, of_molecules, spellings
from molgen.represent.tokens import BOS, EOS, PAD, SPECIAL, UNKNOWN, Vocabulary, tokenize
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

TEXTS = ["".join(p) for n in range(4) for p in itertools.product("CNO", repeat=n)]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with random weights over the tokens C, N, O and at most three of them."""
    torch.manual_seed(0)
    config = SmilesConfig(width=16, layers=2, heads=2)
    model = SmilesModel(config, Vocabulary([*SPECIAL, "C", "N", "O"]), longest=3)
    with torch.no_grad():
        model.network.logits.weight.mul_(4)  # far from uniform, so that mistakes show
    folder = tmp_path_factory.mktemp("toy") / "model"
    folder.mkdir()
    model.save(folder)
    return folder


def _next(model: SmilesModel, text: str) -> np.ndarray:
    """Probabilities of the token after a text, through the sampler's cached steps."""
    caches = model.network.empty_cache()
    for place, token in enumerate([BOS, *model.vocabulary.encode(text).tolist()]):
        logits = model.network.step(torch.tensor([token]), caches, place)[0].detach()
    logits[[PAD, BOS, UNKNOWN]] = -torch.inf
    return torch.softmax(logits, -1).numpy()


@pytest.fixture(scope="module")
def enumerated(toy: Path) -> tuple[dict[str, float], float]:
    """Probability of each text there is, and of not ending within the length: by the chain rule over all prefixes."""
    model = load_model(str(toy), device="cpu").double()
    prefix, ended, never = {"": 1.0}, {}, 0.0
    for text in TEXTS:  # shorter ones come first
        follows = _next(model, text)
        ended[text] = prefix[text] * follows[EOS]
        for letter in "CNO":
            prefix[text + letter] = prefix[text] * follows[model.vocabulary.encode(letter)[0]]
        never += 0 if len(text) < 3 else prefix[text] * (1 - follows[EOS])
    return ended, never


def _table(model: Path, lines: list[str], folder: Path, **asked: object) -> list[dict[str, object]]:
    (folder / "in.smi").write_text("\n".join(lines) + "\n")
    out = folder / f"{asked}.parquet"
    likelihood(str(model), out, file=folder / "in.smi", request=Request(**asked), device="cpu")
    return pq.read_table(out).to_pylist()


def test_one_spelling_is_exact(toy: Path, enumerated: tuple[dict[str, float], float], tmp_path: Path) -> None:
    written = [t for t in TEXTS if t]
    for row, text in zip(_table(toy, written, tmp_path), written, strict=True):
        assert row["smiles"] == text
        assert row["log_prob"] == pytest.approx(math.log(enumerated[0][Chem.CanonSmiles(text)]), abs=1e-5)
        assert (row["spellings"], row["tokens"]) == (1, len(text) + 1)


def test_all_spellings_give_the_molecules_probability_and_everything_sums_to_one(
    toy: Path, enumerated: tuple[dict[str, float], float], tmp_path: Path
) -> None:
    ended, never = enumerated
    molecules: dict[str, float] = defaultdict(float)
    for text, probability in ended.items():
        if text:
            molecules[Chem.CanonSmiles(text)] += probability
    rows = _table(toy, list(molecules), tmp_path, spellings=30)
    for row, (smiles, probability) in zip(rows, molecules.items(), strict=True):
        assert row["log_prob"] == pytest.approx(math.log(probability), abs=1e-5), smiles
    whole = sum(math.exp(row["log_prob"]) for row in rows)
    assert whole + ended[""] + never == pytest.approx(1, abs=1e-5)


def test_more_spellings_never_lower_the_bound(toy: Path, tmp_path: Path) -> None:
    lines = ["CCO", "CNO", "NCO", "CO"]
    few, more = (_table(toy, lines, tmp_path, spellings=k) for k in (2, 30))
    assert all(b["log_prob"] >= a["log_prob"] for a, b in zip(few, more, strict=True))
    assert all(row["spellings"] == 2 for row in few)


def test_what_has_no_value_says_why(toy: Path, tmp_path: Path) -> None:
    rows = _table(toy, ["CCO", "CCCC", "CF", "C(", "C.C"], tmp_path)
    assert [row["reason"] for row in rows] == [
        None, UNWRITABLE, UNWRITABLE, "no molecule: SMILES syntax", "no molecule: several fragments"
    ]  # fmt: skip
    assert [row["log_prob"] is None for row in rows] == [False, True, True, True, True]


def test_the_summary_is_over_what_has_a_value(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "in.smi").write_text("CCO\nCF\nN\n")
    found = likelihood(str(toy), tmp_path / "out.parquet", file=tmp_path / "in.smi", device="cpu")
    with torch.no_grad():
        total = -float(load_model(str(toy), device="cpu").log_prob(["CCO", "N"]).sum())
    assert (found.molecules, found.valued, found.reasons) == (3, 2, {UNWRITABLE: 1})
    assert (found.nats, found.nats_a_token) == (pytest.approx(total / 2), pytest.approx(total / 6))
    assert found.perplexity == pytest.approx(math.exp(total / 6))


def test_the_file_is_the_same_for_any_number_of_workers(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.smi").write_text("".join(f"{t}\n" for t in TEXTS if t) * 13)  # two chunks
    for workers in (1, 2):
        out = tmp_path / f"{workers}.parquet"
        likelihood(str(toy), out, file=tmp_path / "in.smi", device="cpu", workers=workers)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_a_split_of_a_store_has_the_loss_of_training(features: Path, tmp_path: Path) -> None:
    training = TrainingSettings(molecules=300, batch_size=50, precision="fp32")
    train("smiles", features, tmp_path / "model", RunSettings(model={"width": 16, "heads": 2}, training=training))
    found = likelihood(str(tmp_path / "model"), tmp_path / "v.parquet", features=features, split="valid", device="cpu")
    last = (tmp_path / "model" / "metrics.csv").read_text().split()[-1].split(",")
    assert last[1] == "valid"
    assert found.nats_a_token == pytest.approx(float(last[2]), rel=1e-4)
    store = Store.open(features)
    assert found.molecules == len(store.rows("valid"))
    assert found.reasons == {UNWRITABLE: 1}  # the molecule with an element that the training split lacks


def test_random_spellings_are_distinct_and_of_the_same_molecule() -> None:
    smiles = Chem.CanonSmiles("C[C@H](N)C(=O)N/C=C/c1ccccc1")
    found = spellings(smiles, 20, seed=3)
    assert found[0] == smiles
    assert len(set(found)) == 20
    assert {Chem.CanonSmiles(s) for s in found} == {smiles}
    assert spellings(smiles, 20, seed=3) == found
    assert spellings(smiles, 5, seed=3) == found[:5]
    assert spellings("C", 20, seed=0) == ["C"]
    assert all("".join(tokenize(s)) == s for s in found)


def test_a_model_without_likelihoods_is_refused(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.smi").write_text("C\n")
    molgen.likelihood._model.cache_clear()
    monkeypatch.setattr(molgen.likelihood, "load_model", lambda *_, **__: object())
    with pytest.raises(InputError, match=r"a 'smiles' model has no likelihoods; take one of a family that has"):
        likelihood(str(toy), tmp_path / "out.parquet", file=tmp_path / "in.smi", device="cpu")
    assert not (tmp_path / "out.parquet").exists()


def test_log_sum() -> None:
    values = np.array([-1000.0, -1001.0])
    assert log_sum(values) == pytest.approx(-1000 + math.log(1 + math.exp(-1)))
    assert log_sum(np.array([-math.inf, 0.0])) == 0
    assert log_sum(np.array([])) == -math.inf


def test_what_cannot_be_asked_is_one_clear_line(toy: Path, features: Path, tmp_path: Path) -> None:
    (tmp_path / "in.smi").write_text("C\n")
    (tmp_path / "empty.smi").write_text("")
    out = tmp_path / "out.parquet"
    with pytest.raises(InputError, match=r"--out must end in .parquet"):
        likelihood(str(toy), tmp_path / "out.csv", file=tmp_path / "in.smi")
    with pytest.raises(InputError, match="give a file of molecules, or --features with a --split, not both"):
        likelihood(str(toy), out, file=tmp_path / "in.smi", features=features)
    with pytest.raises(InputError, match="unknown split 'tets'"):
        likelihood(str(toy), out, features=features, split="tets")
    with pytest.raises(InputError, match="no molecules in it"):
        likelihood(str(toy), out, file=tmp_path / "empty.smi")
    with pytest.raises(SettingsError, match="trained on canonical SMILES only"):
        likelihood(str(toy), out, file=tmp_path / "in.smi", request=Request(spelling="random"))
    assert not out.exists()
    likelihood(str(toy), out, file=tmp_path / "in.smi")
    with pytest.raises(ArtifactError, match="spellings: 1 there, 2 asked for"):
        likelihood(str(toy), out, file=tmp_path / "in.smi", request=Request(2))


def test_molecules_in_memory_get_the_same_rows(toy, tmp_path):
    (tmp_path / "m.smi").write_text("C\nCC\nC1CC\nCCCCC\n")
    likelihood(str(toy), tmp_path / "o.parquet", file=tmp_path / "m.smi")
    found = of_molecules(str(toy), ["C", "CC", "C1CC", "CCCCC"])
    assert found.to_pylist() == pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert of_molecules(str(toy), ()).num_rows == 0
