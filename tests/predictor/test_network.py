"""The message-passing kind: batches are what single molecules are, and what it does not know does not stop it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from molgen.chem.parse import parse
from molgen.predictor.network import UNKNOWN, Network, _graph, _rank, joined
from molgen.predictor.settings import PredictorSettings

SETTINGS = PredictorSettings(kind="network", folds=2, epochs=3, width=8, layers=2)
TEXTS = ["CCO", "C", "c1ccccc1N", "CC(=O)OC", "OCC", "CCN", "c1ccncc1", "CCCl", "CC#N", "C1CCC1"]


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.fit([parse(t) for t in TEXTS], np.arange(10.0), False, SETTINGS, 0)[0]


def test_a_molecule_is_predicted_alike_alone_and_with_others(network):
    together = network.predict([parse(t) for t in TEXTS]).mean
    alone = [network.predict([parse(t)]).mean[0] for t in TEXTS]
    assert together == pytest.approx(alone, abs=1e-4)


def test_spellings_are_one_molecule(network):
    some = network.predict([parse("CCO"), parse("OCC"), parse("C(O)C")]).mean
    assert some == pytest.approx(some[0], abs=1e-5)


def test_the_same_seed_gives_the_same_networks_whatever_was_drawn_before():
    mols, y = [parse(t) for t in TEXTS], np.arange(10.0)
    torch.manual_seed(5)
    first = Network.fit(mols, y, False, SETTINGS, 3)[0].arrays()
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.rand(1) == drawn  # training leaves the generator alone
    second = Network.fit(mols, y, False, SETTINGS, 3)[0].arrays()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_elements_that_training_lacked_are_unknown_atoms(network):
    inputs = network._inputs([_graph(parse("C[Si](C)(C)C"))], np.zeros((1, 14)))
    assert (inputs[0][0] == UNKNOWN).sum() == 1
    assert np.isfinite(network.predict([parse("C[Si](C)(C)C"), parse("[Xe]")]).mean).all()


def test_graphs_laid_end_to_end():
    inputs = [
        (np.array([1, 2]), np.array([[0, 1, 0]]), np.zeros(1)),
        (np.array([3, 4, 5]), np.array([[0, 2, 1]]), np.zeros(1)),
    ]
    found = joined(inputs)
    assert found.atoms.tolist() == [1, 2, 3, 4, 5]
    assert found.bonds.tolist() == [[0, 1, 0], [2, 4, 1]]


def test_atoms_keep_their_numbers_through_the_spelling():
    mol = parse("OCC(=O)Nc1ccc(Cl)cc1")
    graph, rank = _graph(mol), _rank(mol)
    assert [graph.atoms[i].atomic_number for i in rank] == [atom.GetAtomicNum() for atom in mol.GetAtoms()]


def test_stored_networks_predict_the_same(network):
    again = Network.of_arrays(network.arrays())
    mols = [parse(t) for t in TEXTS]
    assert np.array_equal(again.predict(mols).mean, network.predict(mols).mean)
