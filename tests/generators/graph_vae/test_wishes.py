"""Properties asked of a graph VAE's draws: the chain's distribution, and what a draw is asked and refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from rdkit import Chem
from scipy.stats import norm

from molgen.chem.descriptors import DESCRIPTORS
from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.generators.graph_vae.model import GraphVAE
from molgen.generators.graph_vae.settings import GraphVAEDrawing
from molgen.generators.graph_vae.wishes import walked

MASS, SPREAD = DESCRIPTORS["MW"], 40.0
CHAINS = ["C" * k for k in range(1, 9)]


def test_the_walk_ends_in_prior_times_wish() -> None:
    """Alkanes of a rounded normal number of atoms, against their probabilities worked out one by one."""
    model: Any = SimpleNamespace(properties={"MW": (70.0, SPREAD)})
    numbers, wish, guidance = np.arange(2000), 100.0, 0.7

    def fresh(move: int) -> torch.Tensor:
        uniforms = seeds.uniforms(seeds.child(3, "toy", move), numbers, 1)
        return torch.special.ndtri(torch.from_numpy(uniforms).clamp(1e-9, 1 - 1e-9))

    def draw(noise: torch.Tensor, move: int) -> list[tuple[str | None, str | None]]:
        """No molecule beyond eight atoms."""
        sizes = [round(4 + 2 * x) for x in noise[:, 0].tolist()]
        return [("C" * max(k, 1), None) if k <= 8 else (None, "too large") for k in sizes]

    drawing = GraphVAEDrawing(condition={"MW": wish}, guidance=guidance, moves=25)
    ends = [smiles for smiles, _ in walked(model, draw, fresh, numbers, 11, drawing)]
    edges = (np.array([-np.inf, *np.arange(1.5, 9)]) - 4) / 2
    prior = np.diff(norm.cdf(edges))
    mass = np.array([MASS(Chem.MolFromSmiles(smiles)) for smiles in CHAINS])
    exact = prior * np.exp(-guidance * ((mass - wish) / (0.5 * SPREAD)) ** 2 / 2)
    exact /= exact.sum()
    found = np.array([ends.count(smiles) for smiles in CHAINS]) / len(ends)
    assert None not in ends
    assert np.abs(found - exact).max() < 4 * 0.5 / len(ends) ** 0.5
    assert np.abs(prior - exact).max() > 0.1  # so that the wish counts


def test_draws_come_nearer_and_are_their_own(model: GraphVAE) -> None:
    """They are nearer to the wish than plain ones, do not depend on how many are drawn, and stay as they are."""
    plain = model.sample(80, seed=5).smiles
    drawing = GraphVAEDrawing(condition={"logP": 3.5}, guidance=4, moves=6)
    asked = model.sample(80, seed=5, drawing=drawing).smiles
    logp = DESCRIPTORS["logP"]
    missed = [np.mean([abs(logp(Chem.MolFromSmiles(s)) - 3.5) for s in some if s]) for some in (plain, asked)]
    assert missed[1] < 0.7 * missed[0]
    assert len(set(asked)) > 60
    double = model.double()
    try:
        all_of_them = double.sample(12, seed=5, drawing=drawing).smiles
        assert double.sample(5, seed=5, first=7, drawing=drawing).smiles == all_of_them[7:]
    finally:
        model.float()


def test_a_scaffold_stays_in_the_walk(model: GraphVAE) -> None:
    ring = Chem.MolFromSmiles("c1ccccc1")
    drawing = GraphVAEDrawing(condition={"logP": 1.0}, scaffold="c1ccccc1", moves=2)
    found = [s for s in model.sample(20, seed=1, drawing=drawing).smiles if s]
    assert found
    assert all(Chem.MolFromSmiles(s).HasSubstructMatch(ring) for s in found)


def test_what_it_does_not_know_is_refused(model: GraphVAE) -> None:
    with pytest.raises(SettingsError, match=r"condition.logp: not what this model knows .did you mean 'logP'"):
        model.sample(2, seed=0, drawing=GraphVAEDrawing(condition={"logp": 1.0}))
