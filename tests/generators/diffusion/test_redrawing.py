"""The walk of finished graphs towards wishes: its distribution, and that a model's draws come nearer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.chem.descriptors import DESCRIPTORS
from molgen.core import seeds
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.redrawing import walk
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.folder import load_model
from molgen.generators.wished import distance, taken

ALKANES: list[str | None] = [*("C" * k for k in range(1, 8)), None]
SHARES = np.array([0.05, 0.1, 0.2, 0.2, 0.15, 0.15, 0.05, 0.1])
MASS = np.array([DESCRIPTORS["MW"](Chem.MolFromSmiles(text)) for text in ALKANES if text])


def test_the_walk_ends_in_model_times_wish() -> None:
    """A model of alkanes, whose draws made anew are independent ones, against probabilities worked out one by one."""
    count, guidance, deviation = 1600, 0.6, 30.0
    draws, wish = np.arange(count), np.where(np.arange(count) % 2, 90.0, np.nan)  # every second one asks for nothing
    edges = np.cumsum(SHARES)

    def anew(rows: np.ndarray, seed: int) -> Graphs:
        nodes = np.searchsorted(edges, seeds.uniforms(seed, draws[rows], 1) * edges[-1], side="right")
        return Graphs(torch.from_numpy(nodes), torch.zeros((len(rows), 0), dtype=torch.long))

    def read(graphs: Graphs) -> list[str | None]:
        return [ALKANES[node] for node in graphs.nodes[:, 0].tolist()]

    how = DiffusionDrawing(moves=15, guidance=guidance)
    graphs = anew(draws, 1)
    walk(graphs, anew, read, how, 5, draws, {"MW": wish}, {"MW": deviation})
    exact = SHARES[:7] * np.exp(-guidance * ((MASS - 90) / (deviation / 2)) ** 2 / 2)
    for rows, expected in ((wish == 90, exact / exact.sum()), (np.isnan(wish), SHARES[:7] / SHARES[:7].sum())):
        found = np.bincount(graphs.nodes[rows, 0].numpy(), minlength=8) / rows.sum()
        assert found[7] == 0  # all are molecules
        assert np.abs(found[:7] - expected).max() < 4 * 0.5 / rows.sum() ** 0.5
    assert np.abs(exact / exact.sum() - SHARES[:7]).max() > 0.1  # so that the wish counts


def test_distances_add_up_over_what_is_asked() -> None:
    found = distance(["CCO", None, "CCO"], {"MW": np.array([46.069, 1, np.nan]), "logP": 1.0}, {"MW": 3.0, "logP": 2.0})
    logp = DESCRIPTORS["logP"](Chem.MolFromSmiles("CCO"))
    assert found[[0, 2]] == pytest.approx((logp - 1) ** 2 / 2, abs=1e-3)
    assert np.isinf(found[1])


def test_which_moves_are_taken() -> None:
    far, there = np.array([np.inf, np.inf, 1.0, 1.0, 1.0, 1.0]), np.array([np.inf, 5.0, np.inf, 0.5, 2.0, 2.0])
    assert taken(far, there, np.array([0.5, 0.5, 0.0, 0.99, 0.36, 0.37])).tolist() == [1, 1, 0, 1, 1, 0]


def test_draws_of_a_trained_model_come_nearer() -> None:
    model = load_model("graph-diffusion-moses")
    told = DiffusionDrawing(condition={"logP": 4.0}, steps=8)
    walked = DiffusionDrawing(condition={"logP": 4.0}, steps=8, moves=5, guidance=4)

    def far(how: DiffusionDrawing) -> float:
        mols = [Chem.MolFromSmiles(text) for text in model.sample(16, seed=2, drawing=how).smiles if text is not None]
        assert len(mols) > 8
        return float(np.mean([abs(DESCRIPTORS["logP"](mol) - 4) for mol in mols]))

    assert far(walked) < 0.6 * far(told)
