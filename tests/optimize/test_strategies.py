"""What every strategy promises, and that a policy learns what it is told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.core.errors import InputError, SettingsError
from molgen.optimize.policy import Policy
from molgen.optimize.policy_settings import PolicySettings
from molgen.optimize.start import of_file, of_model
from molgen.optimize.strategy import STRATEGIES, Context, settings_of, strategy_class
from tests.optimize.conftest import SMALL


@pytest.fixture(params=[*STRATEGIES, "hybrid with a policy"])
def make(request, start_file, model_of):
    """Makes a new instance of the strategy."""
    name = request.param.split()[0]
    values = SMALL[name] | ({"draws": 4, "replay": 4} if " " in request.param else {})

    def new():
        context = Context(of_file(start_file, 0), model_of(name), 5)
        return strategy_class(name)(settings_of(name, values), context)

    return new


def _value(smiles: str) -> float:
    return len(smiles) % 7 / 7


def _rounds(strategy, count: int) -> list[list[str]]:
    asked = []
    for _ in range(count):
        asked.append(strategy.ask(4))
        strategy.tell(asked[-1], np.array([_value(smiles) for smiles in asked[-1]]))
    return asked


def test_it_asks_for_canonical_molecules_and_not_for_too_many(make):
    for asked in _rounds(make(), 6):
        assert len(asked) <= 4
        assert [Chem.CanonSmiles(smiles) for smiles in asked] == asked


def test_the_same_seed_asks_the_same(make):
    assert _rounds(make(), 5) == _rounds(make(), 5)


def test_a_saved_strategy_goes_on_as_if_it_never_stopped(make, tmp_path):
    strategy = make()
    _rounds(strategy, 5)
    strategy.save(tmp_path)
    again = make()
    again.load(tmp_path)
    assert _rounds(again, 3) == _rounds(strategy, 3)


def test_unknown_settings_name_the_nearest():
    with pytest.raises(SettingsError, match=r"strategy hybrid: unknown key 'childs'.*'children'"):
        settings_of("hybrid", {"childs": 3})


def test_a_policy_writes_what_it_was_shown(policy_folder):
    policy = Policy(str(policy_folder), PolicySettings(sigma=50, learning_rate=5e-3), 0)
    texts = ["CCO", "CCN", "CCC"]
    before = policy.prior.log_prob(texts)
    for _ in range(40):
        policy.learn(texts, [1.0, 0.0, 0.0])
    gain = (policy.model.log_prob(texts) - before).detach()
    assert gain[0] > 1
    assert gain[0] > gain[1:].max()
    assert torch.equal(policy.prior.log_prob(texts), before)  # the prior stays
    policy.replay(texts, [1.0, 1.0, 1.0])
    policy.learn(["[U]", "C" * 500], [1.0, 1.0])  # what it cannot write teaches nothing
    assert torch.isfinite(policy.model.log_prob(texts)).all()


def test_a_policy_must_be_a_smiles_model(tmp_path):
    (tmp_path / "config.yaml").write_text("format: 1\nfamily: graph-vae\nsettings: {}\n")
    with pytest.raises(InputError, match="a 'graph-vae' model"):
        Policy(str(tmp_path), PolicySettings(), 0)


def test_start_molecules_are_distinct_and_seeded(start_file):
    found = list(of_file(start_file, 1))
    assert len(found) == len(set(found)) == 60
    assert found == list(of_file(start_file, 1))
    assert found != list(of_file(start_file, 2))


def test_draws_of_a_model_are_start_molecules():
    found = list(itertools.islice(of_model("smiles-zinc", 0), 3))
    assert len(set(found)) == 3
    assert [Chem.CanonSmiles(smiles) for smiles in found] == found
