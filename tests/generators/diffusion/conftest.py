"""Fixtures: small untrained models of the fixture store, with weights that are not zero."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from molgen.data.store import Store
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.settings import DiffusionConfig

SMALL = {"width": 16, "layers": 2, "heads": 2, "edge_width": 8, "pair_width": 8, "feedforward": 2}


@pytest.fixture(scope="session")
def store(features: Path) -> Store:
    return Store.open(features)


@pytest.fixture(scope="session")
def model(store: Store) -> GraphDiffusion:
    """At the atom level, conditional, in float64."""
    torch.manual_seed(0)
    out = GraphDiffusion.build(DiffusionConfig(**SMALL, conditions=("logP", "QED"), batch_edges=4_000), store)
    for parameter in out.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return out.double().eval()
