"""Molecules to start from, objectives that are quick to score, and a policy with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from molgen.data.store import Store
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.settings import DiffusionConfig
from molgen.generators.graph_vae.model import GraphVAE
from molgen.generators.graph_vae.settings import GraphVAEConfig
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.optimize.search import Request
from molgen.scoring.objective import Objective

PICKING = {"start": 12, "batch": 4, "children": 10, "learnt": 16}
SMALL = {
    "hybrid": PICKING,
    "latent": PICKING,
    "guided": PICKING | {"steps": 3},
    "genetic": {"start": 12, "batch": 4},
    "reinforce": {"batch": 8, "replay": 4, "replays": 1},
    "best-of-n": {"batch": 4},
}


@pytest.fixture(scope="session")
def start_file(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 molecules, one of them twice, one text that is none."""
    file = tmp_path_factory.mktemp("start") / "start.smi"
    file.write_text("\n".join([*zinc_smiles[:60], zinc_smiles[0], "C(C"]) + "\n")
    return file


@pytest.fixture(scope="session")
def policy_folder(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SMILES model with random weights that knows random spellings; with a grammar, every draw is a molecule."""
    torch.manual_seed(2)
    config = SmilesConfig(width=16, layers=1, heads=2, random_spelling=0.5, room=0)
    folder = tmp_path_factory.mktemp("policy")
    SmilesModel.build(config, Store.open(features)).eval().save(folder)
    return folder


@pytest.fixture(scope="session")
def vae_folder(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph VAE with random weights."""
    torch.manual_seed(3)
    config = GraphVAEConfig(
        latent=8, encoder_width=16, encoder_layers=2, width=16, layers=1, heads=2, feedforward=2, prior_width=16
    )
    folder = tmp_path_factory.mktemp("vae")
    GraphVAE.build(config, Store.open(features)).eval().save(folder)
    return folder


@pytest.fixture(scope="session")
def diffusion_folder(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusion model over fragments with random weights."""
    torch.manual_seed(4)
    config = DiffusionConfig(
        level="fragment", width=16, layers=1, heads=2, edge_width=8, pair_width=8, feedforward=2, vocabulary=60
    )
    folder = tmp_path_factory.mktemp("diffusion")
    GraphDiffusion.build(config, Store.open(features)).eval().save(folder)
    return folder


@pytest.fixture(scope="session")
def model_of(policy_folder: Path, vae_folder: Path, diffusion_folder: Path) -> Callable[[str], str]:
    """The small model that a strategy draws on."""
    others = {"latent": vae_folder, "guided": diffusion_folder}
    return lambda strategy: str(others.get(strategy, policy_folder))


@pytest.fixture(scope="session")
def likeness() -> Objective:
    """Near to salbutamol, and drug-like."""
    return Objective.parse(
        {
            "components": [
                {"type": "similarity", "references": ["CC(C)(C)NCC(O)c1ccc(O)c(CO)c1"]},
                {"type": "QED"},
            ]
        }
    )


@pytest.fixture
def asked(likeness: Objective, start_file: Path, policy_folder: Path) -> Request:
    """A small genetic search."""
    return Request(likeness, "genetic", 40, str(policy_folder), start_file, 3, SMALL["genetic"])
