"""`latent`: vectors of a file, neighbours, paths and their picture; what it refuses."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molgen import latent
from molgen.cli.main import main
from molgen.core.errors import InputError
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

SMALL = {"width": 32, "layers": 1, "heads": 2, "encoder_width": 32, "encoder_layers": 2, "vocabulary": 50}


@pytest.fixture(scope="module")
def model(features: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("latent") / "model"
    training = TrainingSettings(molecules=1000, batch_size=50, learning_rate=5e-3, validate_every=1000)
    train("graph-vae", features, out, RunSettings(model=SMALL, training=training))
    return str(out)


def test_encode_writes_a_row_for_each_row(model: str, tmp_path: Path) -> None:
    file, out = tmp_path / "in.smi", tmp_path / "out.parquet"
    file.write_text("CCO ethanol\nxyz\nC[Te]C\nc1ccccc1\n")
    assert latent.encode(model, file, out) == {"rows": 4, "SMILES syntax": 1, "unknown atom": 1}
    rows = pq.read_table(out).to_pylist()
    assert [row["smiles"] for row in rows] == ["CCO", "xyz", "C[Te]C", "c1ccccc1"]
    assert [row["latent"] is None for row in rows] == [False, True, True, False]
    assert len(rows[0]["latent"]) == 64
    expected = load_model(model, device="cpu").encode(["CCO"])[0].tolist()
    assert rows[0]["latent"] == pytest.approx(expected, abs=1e-5)


def test_a_path_begins_and_ends_where_it_should(model: str, tmp_path: Path) -> None:
    vae = load_model(model, device="cpu")
    ends = vae.decode(vae.encode(["CCO", "c1ccccc1N"])).smiles
    for spherical in (False, True):
        found = latent.interpolate(model, "CCO", "c1ccccc1N", steps=5, spherical=spherical)
        assert [found[0].smiles, found[-1].smiles] == ends
        assert all(Chem.MolFromSmiles(step.smiles) is not None for step in found)
    latent.draw_path(found, tmp_path / "path.svg")
    latent.draw_path(found, tmp_path / "path.png")
    assert (tmp_path / "path.svg").read_text().count("</svg>") == 1
    assert (tmp_path / "path.png").read_bytes().startswith(b"\x89PNG")


def test_neighbours_spread_with_the_radius(model: str) -> None:
    near = latent.neighbours(model, "CC(=O)Nc1ccccc1", n=40, radius=0.0)
    far = latent.neighbours(model, "CC(=O)Nc1ccccc1", n=40, radius=20.0)
    assert [found.draws for found in near] == [40]
    assert len(far) > 1
    assert sum(found.draws for found in far) == 40


def test_quality_of_a_file(model: str, tmp_path: Path, features: Path) -> None:
    file = tmp_path / "in.smi"
    store = Store.open(features)
    file.write_text("\n".join([*store.smiles(store.rows("train")[:30]), "no"]) + "\n")
    found = latent.quality(model, file)
    assert (found.molecules, found.refused, found.units) == (31, 1, 64)
    assert 0 <= found.exact <= found.similarity <= 1
    assert found.kl > 0
    assert 0 <= found.active <= 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["neighbors", "MODEL", "C1CC"], "C1CC"),
        (["neighbors", "MODEL", "C[Te]C"], "unknown atom"),
        (["climb", "MODEL", "CCO", "--property", "QEB"], "did you mean 'QED'"),
        (["interpolate", "MODEL", "CCO", "CCN", "--out", "path.gif"], "a picture is .svg or .png"),
        (["encode", "MODEL", "nowhere.smi", "--out", "out.csv"], ".parquet"),
        (["quality", "nowhere", "nowhere.smi"], "no such model"),
    ],
)
def test_what_cannot_be_is_one_line(
    model: str, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [model if word == "MODEL" else word for word in arguments]
    monkeypatch.setattr("sys.argv", ["molgen", "latent", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_model_without_a_latent_space_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("format: 1\nfamily: smiles\nsettings: {}\n")
    with pytest.raises(InputError, match="has no latent space"):
        latent.load(str(tmp_path))
