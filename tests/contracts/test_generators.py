"""What every generator family does, whatever it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from rdkit import Chem

from molgen.core.errors import ArtifactError, InputError
from molgen.data.store import Store
from molgen.generators import ASKABLE, CONDITIONED, FAMILIES, LIKELIHOODS, family
from molgen.generators.base import Generator, Likelihood, NeuralGenerator
from molgen.generators.counted import CountedGenerator
from molgen.generators.folder import CONFIG, WEIGHTS, load_model
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

SMALL = {
    "smiles": {"width": 32, "layers": 1, "heads": 2},
    "graph-vae": {"width": 32, "layers": 1, "heads": 2, "encoder_width": 32, "encoder_layers": 2, "vocabulary": 30},
    "graph-diffusion": {"width": 32, "layers": 1, "heads": 2, "edge_width": 8, "pair_width": 8},
    "hmm": {"states": 8, "molecules": 3000, "batch": 100},
    "mixture": {"vocabulary": 200, "components": 4, "directions": 6},
}
OTHER_WEIGHTS = {"ngram": {"order": 3}, "hmm": {"states": 3}, "mixture": {"components": 3}}


@pytest.fixture(scope="session", params=list(FAMILIES))
def trained(request: pytest.FixtureRequest, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of each family, trained for a moment."""
    out = tmp_path_factory.mktemp("models") / request.param
    training = TrainingSettings()
    if not issubclass(family(request.param), CountedGenerator):
        training = TrainingSettings(molecules=3000, batch_size=64, learning_rate=1e-2, validate_every=1500)
    train(request.param, features, out, RunSettings(model=SMALL.get(request.param, {}), training=training))
    return out


@pytest.fixture
def model(trained: Path) -> NeuralGenerator:
    return load_model(str(trained), device="cpu")


def test_it_is_a_generator(model: NeuralGenerator) -> None:
    assert isinstance(model, Generator)


def test_it_can_be_asked_for_properties_where_the_table_says_so(model: NeuralGenerator) -> None:
    assert ("condition" in model.Drawing.model_fields) == (model.name in ASKABLE)
    assert ("conditions" in model.Config.model_fields) == (model.name in CONDITIONED)


def test_whether_it_knows_likelihoods_is_known_without_loading_it(model: NeuralGenerator) -> None:
    assert isinstance(model, Likelihood) == (model.name in LIKELIHOODS)


def test_it_draws_exactly_n_canonical_molecules_or_reasons(model: NeuralGenerator) -> None:
    samples = model.sample(64, seed=0)
    assert len(samples.smiles) == len(samples.reasons) == 64
    for smiles, reason in zip(samples.smiles, samples.reasons, strict=True):
        assert (smiles is None) != (reason is None)
        if smiles is not None:
            assert Chem.CanonSmiles(smiles) == smiles
            assert "." not in smiles


def test_a_seed_gives_the_same_draws_and_another_seed_others(model: NeuralGenerator) -> None:
    assert model.sample(32, seed=1) == model.sample(32, seed=1)
    assert model.sample(32, seed=1).reasons + model.sample(32, seed=1).smiles != (
        model.sample(32, seed=2).reasons + model.sample(32, seed=2).smiles
    )


def test_draws_go_on_where_earlier_ones_ended(model: NeuralGenerator) -> None:
    model = model if isinstance(model, CountedGenerator) else model.double()
    whole, tail = model.sample(24, seed=4), model.sample(8, seed=4, first=16)
    assert whole.smiles[16:] == tail.smiles
    assert whole.reasons[16:] == tail.reasons


def test_training_lowers_the_validation_loss(trained: Path) -> None:
    lines = [line.split(",") for line in (trained / "metrics.csv").read_text().split()[1:]]
    if isinstance(model := load_model(str(trained)), CountedGenerator):
        assert [split for _, split, *_ in lines] == ["train", *(["valid"] if isinstance(model, Likelihood) else [])]
        return
    valid = [float(loss) for _, split, loss, *_ in lines if split == "valid"]
    assert len(valid) == 2
    assert valid[1] < valid[0]


def test_saved_and_loaded_it_is_the_same_model(model: NeuralGenerator, tmp_path: Path, features: Path) -> None:
    model.save(tmp_path)
    again = load_model(str(tmp_path), device="cpu")
    assert again.config_values() == model.config_values()
    if isinstance(model, CountedGenerator):
        assert again.sample(16, seed=3) == model.sample(16, seed=3)
        return
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    store = Store.open(features)
    batch = model.collate(store, store.rows("valid"))
    assert float(again.loss(batch).total) == float(model.loss(batch).total)


def test_the_folder_holds_plain_files_only(trained: Path) -> None:
    names = {p.name for p in trained.iterdir()}
    assert names - {"tensorboard"} == {"config.yaml", "weights.safetensors", "metrics.csv", "provenance.json"}
    assert yaml.safe_load((trained / CONFIG).read_text())["family"] in FAMILIES


def test_an_unknown_setting_names_the_nearest(trained: Path) -> None:
    kind = family(yaml.safe_load((trained / CONFIG).read_text())["family"])
    key = next(iter(kind.Config.model_fields))
    with pytest.raises(Exception, match=f"did you mean '{key}'"):
        kind.Config.parse({key + "x": 1})


@pytest.mark.parametrize("damage", ["cut", "no weights", "no config", "format", "other weights"])
def test_a_damaged_folder_is_one_clear_line(trained: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in (CONFIG, WEIGHTS):
        (folder / name).write_bytes((trained / name).read_bytes())
    if damage == "cut":
        (folder / WEIGHTS).write_bytes((trained / WEIGHTS).read_bytes()[:-100])
    elif damage == "no weights":
        (folder / WEIGHTS).unlink()
    elif damage == "no config":
        (folder / CONFIG).unlink()
    elif damage == "format":
        (folder / CONFIG).write_text((trained / CONFIG).read_text().replace("format: 1", "format: 99"))
    else:
        values = yaml.safe_load((trained / CONFIG).read_text())
        values["settings"] |= OTHER_WEIGHTS.get(values["family"], {"width": 64})
        (folder / CONFIG).write_text(yaml.safe_dump(values))
    with pytest.raises(ArtifactError, match=r"model(/config.yaml)?: .+; .+") as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


def test_an_unknown_model_or_family_is_refused() -> None:
    with pytest.raises(InputError, match="no such model"):
        load_model("nowhere")
    with pytest.raises(InputError, match="did you mean 'smiles'"):
        family("smile")
