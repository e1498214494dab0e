"""The bound and the count of numberings, against enumeration and RDKit."""

from __future__ import annotations

from itertools import permutations, product
from math import exp, factorial, log

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.data.store import Store
from molgen.generators.diffusion.batches import Noises
from molgen.generators.diffusion.bound import bound
from molgen.generators.diffusion.dense import Graphs
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.noise import Noise
from molgen.generators.diffusion.symmetry import log_numberings

STEPS = 6
NOISES = Noises(Noise([2, 1]), Noise([3, 1, 1]))
STATES = list(product(range(2), range(2), range(3)))  # all graphs of two nodes: both nodes, their pair


def graphs(states: list[tuple[int, int, int]]) -> Graphs:
    table = torch.tensor(states)
    return Graphs(table[:, :2], table[:, 2:])


def beliefs(found: Graphs, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Some fixed function of the whole graph and the time."""
    key = (found.nodes.sum(1) + 2 * found.pairs[:, 0]).double()[:, None, None] + time[:, :, None]
    nodes = torch.sin(key * torch.tensor([1.0, 2.0]) + found.nodes[:, :, None])
    return nodes, torch.cos(key * torch.tensor([1.0, 2.0, 3.0]))


def step_tables(step: int, clean: tuple[int, int, int] | None = None) -> np.ndarray:
    """The chance of each state after a step from each state: as believed, or (given the clean one) as it is."""
    every = graphs(STATES)
    now, later = (torch.full((len(STATES), 1), (step + k) / STEPS, dtype=torch.float64) for k in (0, 1))
    if clean is None:
        guess = [torch.softmax(part, -1) for part in beliefs(every, now)]
    else:
        known = graphs([clean] * len(STATES))
        guess = [torch.eye(2).double()[known.nodes], torch.eye(3).double()[known.pairs]]
    nodes, pairs = (
        kind.posterior(part.double(), state, now, later).numpy()
        for kind, part, state in zip(NOISES, guess, every, strict=True)
    )
    return np.array(
        [[nodes[i, 0, a] * nodes[i, 1, b] * pairs[i, 0, c] for a, b, c in STATES] for i in range(len(STATES))]
    )


def at_start() -> np.ndarray:
    nodes, pairs = NOISES.nodes.prior, NOISES.pairs.prior
    return np.array([float(nodes[a] * nodes[b] * pairs[c]) for a, b, c in STATES])


def exact_probabilities() -> np.ndarray:
    """Of each state after all steps of the chain, by carrying the whole distribution along."""
    mass = at_start()
    for step in range(STEPS):
        mass = mass @ step_tables(step)
    return mass


def exact_bound(clean: tuple[int, int, int]) -> float:
    """The sum over all steps and all noisy states."""
    mass, total = at_start(), 0.0
    for step in range(STEPS):
        true, believed = step_tables(step, clean), step_tables(step)
        terms = np.where(true > 0, true * np.log(np.where(true > 0, true, 1) / believed), 0).sum(1)
        total -= mass @ terms
        mass = mass @ true
    return total


@pytest.mark.parametrize("clean", [(0, 0, 0), (0, 1, 2), (1, 1, 1)])
def test_the_bound_is_the_enumerated_one_and_below_the_exact_value(clean: tuple[int, int, int]) -> None:
    exact = exact_probabilities()
    assert exact.sum() == pytest.approx(1)
    found = [
        float(bound(beliefs, NOISES, graphs([clean]), torch.Generator().manual_seed(seed), samples=STEPS, steps=STEPS))
        for seed in range(1_000)
    ]
    assert np.mean(found) == pytest.approx(exact_bound(clean), abs=4 * np.std(found) / len(found) ** 0.5)
    assert exact_bound(clean) < log(exact[STATES.index(clean)])


def test_fewer_samples_estimate_the_same() -> None:
    state = graphs([(0, 1, 2)])

    def mean(samples: int) -> float:
        found = [
            float(bound(beliefs, NOISES, state, torch.Generator().manual_seed(s), samples=samples, steps=STEPS))
            for s in range(800)
        ]
        return float(np.mean(found))

    assert mean(2) == pytest.approx(mean(STEPS), abs=0.25)


@pytest.mark.parametrize(
    "smiles",
    ["C", "CC", "c1ccccc1", "CC(C)(C)C", "CCO", "C12C3C4C1C5C2C3C45", "FC(F)(F)C(F)(F)C(F)(F)F", "Cc1ccc(C)cc1"],
)
def test_automorphisms_are_those_that_rdkit_finds(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    nodes = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    matrix = (2 * Chem.GetAdjacencyMatrix(mol, useBO=True)).astype(int)
    found = len(mol.GetSubstructMatches(mol, uniquify=False, maxMatches=10_000))
    assert exp(log_numberings(nodes, matrix)) == pytest.approx(factorial(len(nodes)) / found)


def test_numberings_of_directed_pairs_are_those_of_brute_force() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        nodes, matrix = generator.integers(0, 2, 5), np.zeros((5, 5), int)
        for i, j in [(0, 1), (1, 2), (2, 3), (3, 4)]:
            matrix[i, j], matrix[j, i] = generator.choice([[1, 1], [2, 3], [3, 2]])
        seen = {(tuple(nodes[list(p)]), matrix[np.ix_(p, p)].tobytes()) for p in map(list, permutations(range(5)))}
        assert exp(log_numberings(nodes, matrix)) == pytest.approx(len(seen))


def test_a_molecule_has_one_value_whatever_its_numbering(model: GraphDiffusion, store: Store) -> None:
    smiles = store.smiles(model.usable(store, store.rows("train"))[:2])
    with torch.inference_mode():
        first, again = model.log_prob(smiles), model.log_prob(smiles[::-1]).flip(0)
    assert torch.equal(first, again)
    assert torch.isfinite(first).all()
    assert (first < 0).all()


def test_a_molecule_without_a_graph_here_has_no_likelihood(model: GraphDiffusion) -> None:
    found = model.log_prob(["C#P", "C" * 90, "CCO"])
    assert found[0] == found[1] == -torch.inf


def test_the_bound_can_be_differentiated(model: GraphDiffusion, store: Store) -> None:
    smiles = store.smiles(model.usable(store, store.rows("train"))[:1])
    model.log_prob(smiles).sum().backward()
    gradient = next(iter(model.network.parameters())).grad
    model.zero_grad()
    assert gradient is not None
    assert gradient.abs().sum() > 0
