"""The wheel: built, installed into a bare environment, and used there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[1]
WEIGHTS = {
    f"molgen/weights/some-model/{n}" for n in ("config.yaml", "weights.safetensors", "card.md", "provenance.json")
}


def run(*command: str | Path, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that neither old nor new build folders matter."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "molgen", source / "molgen", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in WEIGHTS:  # as a model that ships has them
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    out = source / "dist"
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, source]
    run(*pip, folder=source)
    return next(out.glob("molgen_pipeline-*.whl"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and, by a path file, this environment's libraries."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel, folder=folder)
    # The libraries alone: a path file does not follow the path files (the editable molgen) of the folder it names.
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"molgen", "molgen_pipeline"}
    shipped = {str(p.relative_to(ROOT)) for p in (ROOT / "molgen").rglob("*.py")}
    assert shipped | WEIGHTS <= set(names)


def test_the_installed_package_is_the_wheels(bare, tmp_path):
    where = run(bare / "python", "-c", "import molgen; print(molgen.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(bare.parent)
    assert "prepare" in run(bare / "molgen", "--help", folder=tmp_path)


def test_the_installed_package_trains_and_samples(bare, tmp_path):
    rings = ("c1ccccc1", "c1ccncc1", "C1CCNCC1", "C1CCOCC1", "c1ccsc1")
    chains = [n * "C" + end for n in range(1, 9) for end in ("", "O", "N", "F", "Cl", "C(=O)O")]
    (tmp_path / "raw.smi").write_text("".join(f"{chain}{ring}\n" for ring in rings for chain in chains))
    run(bare / "molgen", "prepare", "raw.smi", "--out", "molecules", "--workers", "1", folder=tmp_path)
    run(bare / "molgen", "featurize", "molecules", "--out", "features", "--workers", "1", folder=tmp_path)
    small = [f"--set={s}" for s in ("model.width=16", "model.heads=2", "model.layers=1", "training.molecules=256")]
    run(bare / "molgen", "train", "smiles", "--features", "features", "--out", "model", *small, folder=tmp_path)
    said = run(bare / "molgen", "sample", "model", "--n", "10", "--out", "samples.parquet", folder=tmp_path)
    assert "10 draws" in said
    assert pq.read_table(tmp_path / "samples.parquet").num_rows == 10
