"""Both notations from features to draws, and molecules at the limits of a model: learnt or left out, never a crash."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from molgen.chem.parse import canonical
from molgen.core.errors import SettingsError
from molgen.data.featurize import FeaturizeSettings, featurize
from molgen.data.prepare import prepare
from molgen.data.prepare_settings import PrepareSettings
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig, SmilesDrawing
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

SMALL = {"width": 16, "layers": 1, "heads": 2}
LIMITS = {
    "over-long": "CC(=O)N" + "CC(=O)N" * 20 + "C",
    "ring numbers": "C12C3C4C5C6C7C8C9C%10C%11C1C2C3C4C5C6C7C8C9C%10C%11",
    "charges": "C[N+](C)(C)CC(=O)[O-]",
    "stereo": "C[C@H](N)/C=C/Cl",
    "isotopes": "[2H]C([2H])([2H])c1ccc[13cH]c1",
    "hypervalent": "FS(F)(F)(F)(F)c1ccccc1",
    "not SELFIES": "Cc1ccc(I(=O)=O)cc1",
}
OPEN = PrepareSettings(
    split="files",
    elements=("C", "N", "O", "F", "P", "S", "Cl", "Br", "I", "Se", "H"),
    max_heavy_atoms=100,
    neutralise=False,
    largest_fragment=False,
    min_heavy_atoms=1,
    properties=False,
)


@pytest.fixture(scope="module")
def molecules(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real molecules and those at the limits in training; salts, and an unseen element, in validation."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "train.smi").write_text("\n".join([*zinc_smiles[:120], *LIMITS.values(), "[Na+].CC(=O)[O-]"]) + "\n")
    (folder / "valid.smi").write_text("\n".join([*zinc_smiles[120:160], "CC[Se]C"]) + "\n")
    prepare([folder / "train.smi", folder / "valid.smi"], folder / "molecules", OPEN)
    return folder / "molecules"


@pytest.fixture(scope="module", params=["smiles", "selfies"])
def features(request: pytest.FixtureRequest, molecules: Path) -> Path:
    out = molecules.parent / request.param
    featurize(molecules, out, FeaturizeSettings(notation=request.param))
    return out


@pytest.fixture(scope="module")
def model(features: Path) -> SmilesModel:
    """A model of both notations, trained for more than an epoch over all that is usable."""
    training = TrainingSettings(molecules=300, batch_size=32, validate_every=150)
    train("smiles", features, features.parent / f"model-{features.name}", RunSettings(model=SMALL, training=training))
    found = load_model(str(features.parent / f"model-{features.name}"), device="cpu")
    assert isinstance(found, SmilesModel)
    return found


def test_the_store_gives_the_molecules_back(features: Path) -> None:
    store = Store.open(features)
    rows = store.rows("train")
    found = {canonical(smiles) for smiles in store.smiles(rows) if smiles}
    assert store.header["notation"] == store.notation == features.name
    for name, smiles in LIMITS.items():
        assert (canonical(smiles) in found) == (name != "not SELFIES" or features.name == "smiles"), name
    assert store.header["without_tokens"] == (features.name == "selfies")


def test_a_salt_is_a_reject_with_its_reason(molecules: Path) -> None:
    import pyarrow.parquet as pq

    rejects = pq.read_table(molecules / "rejects.parquet").to_pylist()
    assert [r["reason"] for r in rejects if "Na+" in r["input"]] == ["several fragments"]


def test_what_a_model_cannot_learn_is_left_out(features: Path) -> None:
    store = Store.open(features)
    short = SmilesModel(SmilesConfig(**SMALL), store.vocabulary, 60, written_in=store.notation)
    usable = short.usable(store, store.rows("train"))
    kept = {canonical(smiles) for smiles in store.smiles(usable)}
    assert canonical(LIMITS["over-long"]) not in kept
    assert canonical(LIMITS["charges"]) in kept
    valid = store.rows("valid")
    assert len(short.usable(store, valid)) < len(valid)  # a token that the training split does not have


def test_draws_are_molecules_or_reasons(model: SmilesModel) -> None:
    samples = model.sample(48, seed=0)
    for smiles, reason in zip(samples.smiles, samples.reasons, strict=True):
        assert (smiles is None) != (reason is None)
        assert smiles is None or canonical(smiles) == smiles
    if model.notation.name == "selfies":
        assert set(samples.reasons) <= {None, "no end within the length", "empty SMILES"}


def test_likelihood_of_a_smiles_in_either_notation(model: SmilesModel) -> None:
    with torch.no_grad():
        values = model.log_prob(["CC(=O)Nc1ccccc1", "*C", "[Xe]", "C" * 3000, "not a SMILES"]).tolist()
    assert math.isfinite(values[0])
    assert values[1:] == [-math.inf] * 4


def test_the_notation_stays_with_the_model(model: SmilesModel, features: Path) -> None:
    assert SmilesModel.from_values(model.config_values()).notation.name == features.name


def test_what_selfies_do_not_need_is_refused(model: SmilesModel) -> None:
    wishes = [("grammar", True)] if model.notation.name == "selfies" else []
    for key, value in wishes:
        with pytest.raises(SettingsError, match="grammar: this model writes selfies"):
            model.sample(2, seed=0, drawing=SmilesDrawing(**{key: value}))
    if not wishes:
        assert set(model.sample(32, seed=0, drawing=SmilesDrawing(grammar=True)).reasons) <= {None, "kekulization"}


def test_training_does_not_start_from_another_notation(model: SmilesModel, molecules: Path) -> None:
    other = molecules.parent / ("smiles" if model.notation.name == "selfies" else "selfies")
    if not other.exists():
        featurize(molecules, other, FeaturizeSettings(notation=other.name))
    with pytest.raises(SettingsError, match=f"writes {model.notation.name}, the features are {other.name}"):
        model.in_own_ids(Store.open(other))


def test_an_unknown_notation_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"notation = 'deepsmiles': input should be 'smiles' or 'selfies'"):
        FeaturizeSettings.load(None, ["notation=deepsmiles"])
