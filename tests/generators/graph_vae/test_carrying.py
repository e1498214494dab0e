"""A graph VAE taken to other molecules: what it knows of them is kept, what it does not begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from molgen.core.errors import SettingsError
from molgen.data.featurize import featurize
from molgen.data.prepare import PrepareSettings, prepare
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.graph_vae.model import GraphVAE
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.start import Beginning
from molgen.training.train import train

CHARGED = ["C[N+](C)(C)CC(=O)[O-]", "O=C([O-])c1ccccc1", "C[NH+](C)CCc1ccccc1", "OB(O)c1ccccc1", "[SiH3]CCO"]
BEYOND = "O=C(NCCCCCCCCCCCCCCCCCCCCCCCCCCCC)c1ccncc1"  # longer than any molecule of the start


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of molecules with atoms, fragments and lengths that the start has not seen, and no properties."""
    folder = tmp_path_factory.mktemp("other")
    plain = [f"{'C' * n}{end}" for n in range(1, 12) for end in ("O", "N", "c1ccccc1", "C(=O)O", "c1ccncc1")]
    (folder / "other.smi").write_text("\n".join([*CHARGED, BEYOND, *plain]) + "\n")
    prepare([folder / "other.smi"], folder / "molecules", PrepareSettings(properties=False))
    featurize(folder / "molecules", folder / "features")
    return folder / "features"


def _carried(folder: Path, features: Path) -> tuple[GraphVAE, Store]:
    settings = RunSettings(start=str(folder), vocabulary="store", model={"any_root": 0.0})
    model, store = Beginning.of(GraphVAE, settings).model(Store.open(features))
    assert isinstance(model, GraphVAE)
    return model.eval(), store


def _per_molecule(model: GraphVAE, store: Store) -> float:
    with torch.no_grad():
        loss = model.loss(model.collate(store, store.rows("train")[:80]))
    return float(loss.total) / loss.weight


def test_on_its_own_molecules_it_is_the_start(model: GraphVAE, folder: Path, features: Path) -> None:
    carried, store = _carried(folder, features)
    assert _per_molecule(carried, store) == pytest.approx(_per_molecule(model.eval(), store), rel=1e-5)


def test_what_the_start_knows_of_other_molecules_is_kept(model: GraphVAE, folder: Path, other: Path) -> None:
    carried, store = _carried(folder, other)
    assert set(carried.atom_types) == set(store.atom_symbols) != set(model.atom_types)
    assert carried.longest != model.longest
    known, seen = model.decoder.vectors(), carried.decoder.vectors()
    shared = 0
    for (symbol, entry), action in carried.grammar.action_of.items():
        number = model.grammar.ids.get(carried.grammar.texts[symbol])
        if number is not None:
            assert torch.equal(seen[action], known[model.grammar.action_of[number, entry]])
            shared += 1
    assert 10 < shared < len(carried.grammar.action_of)
    fresh = GraphVAE.build(carried.config, store).eval()
    assert _per_molecule(carried, store) < 0.9 * _per_molecule(fresh, store)


def test_it_learns_what_is_new(folder: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = TrainingSettings(molecules=2000, batch_size=40, learning_rate=5e-3, validate_every=1000)
    train("graph-vae", other, tmp_path / "m", RunSettings(start=str(folder), vocabulary="store", training=training))
    assert "molecules of train left out" not in capsys.readouterr().err
    trained = load_model(str(tmp_path / "m"), device="cpu")
    drawn = [text for text in trained.sample(200, seed=0).smiles if text]
    assert len(drawn) == 200
    assert any("+" in text or "[Si" in text or "B" in text for text in drawn)


def test_settings_that_shape_the_weights_stay(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"model\.width = 64"):
        Beginning.of(GraphVAE, RunSettings(start=str(folder), vocabulary="store", model={"width": 64}))
