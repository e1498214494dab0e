"""What nodes are worth, and that diffusion is steered by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from molgen.core.errors import InputError, SettingsError
from molgen.generators.diffusion.dense import Graphs
from molgen.optimize.guided import Guided, GuidedSettings, alike, linear, worth_of
from molgen.optimize.strategy import Context


def _counted(nodes: list[np.ndarray], classes: int) -> np.ndarray:
    return np.stack([np.bincount(each, minlength=classes) for each in nodes])


def test_a_linear_value_is_found() -> None:
    generator = np.random.default_rng(0)
    true = generator.normal(size=6)
    nodes = [generator.integers(0, 6, 10) for _ in range(200)]
    worth = worth_of(nodes, np.array([true[each].sum() for each in nodes]), np.eye(6))
    assert np.corrcoef(worth, true)[0, 1] > 0.999
    assert (_counted(nodes, 6) @ worth).std() == pytest.approx(1)


def test_classes_that_look_alike_are_worth_alike() -> None:
    generator = np.random.default_rng(1)
    nodes = [generator.integers(0, 3, 8) for _ in range(50)]  # class 3 is never seen; it looks like class 0
    covariance = np.eye(4)
    covariance[0, 3] = covariance[3, 0] = 0.8
    worth = worth_of(nodes, np.array([float((each == 0).sum()) for each in nodes]), covariance)
    assert worth[3] == pytest.approx(0.8 * worth[0], rel=0.05)


def test_equal_values_say_nothing() -> None:
    nodes = [np.array([0, 1]), np.array([1, 1])]
    assert worth_of(nodes, np.array([0.5, 0.5]), np.eye(2)).tolist() == [0, 0]


def test_the_tilt_is_the_difference_of_worths() -> None:
    graphs = Graphs(torch.tensor([[2, 0]]), torch.zeros(1, 1, dtype=torch.long))
    nodes, pairs = linear(np.array([1.0, 3.0, -1.0]))(graphs, torch.zeros(1, 1, dtype=torch.float64))
    assert nodes.tolist() == [[[2.0, 4.0, 0.0], [0.0, 2.0, -2.0]]]
    assert pairs is None


def _strategy(folder: Path, **settings: float) -> Guided:
    return Guided(GuidedSettings(**settings), Context(iter([]), str(folder), 0))  # type: ignore[arg-type]


def test_draws_hold_more_of_what_is_worth_more(diffusion_folder: Path, zinc_smiles: list[str]) -> None:
    strategy = _strategy(diffusion_folder, steps=6, children=60, least_time=0.2, most_time=0.2)
    level = strategy.diffusion.level
    held = [text for text in zinc_smiles if level.graph(text) is not None][:60]
    assert len(held) > 20
    nitrogens = np.array([text.upper().count("N") for text in held], np.float64)
    strategy.tell(held, nitrogens)
    steered = strategy.candidates(held, np.random.default_rng(0))
    plain = _strategy(diffusion_folder, steps=6, children=60, least_time=0.2, most_time=0.2, guidance=0)
    free = plain.candidates(held, np.random.default_rng(0))
    count = [np.mean([text.upper().count("N") for text in texts]) for texts in (steered, free)]
    assert count[0] > count[1] + 0.5


def test_fragments_that_look_alike_are_alike(diffusion_folder: Path) -> None:
    level = _strategy(diffusion_folder).diffusion.level
    found = alike(level)
    assert found.shape == (level.node_classes, level.node_classes)
    assert np.allclose(found.diagonal(), 1)
    assert np.linalg.eigvalsh(found).min() > -1e-8


def test_bad_settings_and_models_are_refused(policy_folder: Path, diffusion_folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"least_time = 0\.9: above most_time"):
        _strategy(diffusion_folder, least_time=0.9)
    with pytest.raises(InputError, match="a 'smiles' model; give one of family 'graph-diffusion'"):
        _strategy(policy_folder)
