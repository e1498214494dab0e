"""`model.forbidden`: what a SMILES model learns of the grammar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.represent.tokens import EOS, Vocabulary
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

SMALL = {"width": 32, "layers": 1, "heads": 2}


def test_the_loss_has_what_is_left_to_forbidden_tokens(simple: Path) -> None:
    store = Store.open(simple)
    torch.manual_seed(0)
    model = SmilesModel.build(SmilesConfig(forbidden=3.0, **SMALL), store).double().eval().requires_grad_(False)
    rows = store.rows("train")[:40]
    loss = model.loss(model.collate(store, rows))
    model.config = SmilesConfig(**SMALL)
    plain = model.loss(model.collate(store, rows))
    assert plain.parts == {}
    expected = 0.0
    for row in rows:
        ids = [*np.asarray(store.tokens[store.token_offsets[row] : store.token_offsets[row + 1]]).tolist(), EOS]
        state, cache, steps = model.grammar.start(1), model.network.empty_cache(), [1, *ids[:-1]]
        for place, (before, token) in enumerate(zip(steps, ids, strict=True)):
            logits = model.network.step(torch.tensor([before]), cache, place)
            shares = logits.masked_fill(model.never, -torch.inf).softmax(-1)[0]
            allowed = model.grammar.allowed(state, model.longest + 1 - place)[0]
            expected -= float(shares[torch.from_numpy(allowed)].sum().log())
            model.grammar.advance(state, np.array([token]))
    assert float(loss.parts["forbidden"]) == pytest.approx(expected, rel=1e-6)
    assert float(loss.total) == pytest.approx(float(plain.total) + 3 * expected, rel=1e-6)
    assert loss.weight == plain.weight


def test_more_draws_are_molecules(simple: Path, tmp_path: Path) -> None:
    valid = {}
    for forbidden in (0.0, 10.0):
        model = {**SMALL, "forbidden": forbidden}
        settings = TrainingSettings(molecules=6_000, batch_size=50, learning_rate=1e-2, average=0.9)
        out = tmp_path / str(forbidden)
        train("smiles", simple, out, RunSettings(model=model, training=settings), accelerator="cpu")
        draws = load_model(out).sample(1000, seed=5).smiles
        valid[forbidden] = sum(smiles is not None for smiles in draws) / len(draws)
    assert 1 - valid[10.0] < 0.7 * (1 - valid[0.0]), valid
    assert (tmp_path / "10.0/metrics.csv").read_text().splitlines()[0].endswith(",forbidden")


def test_a_notation_without_a_grammar_is_refused() -> None:
    vocabulary = Vocabulary(["<pad>", "<bos>", "<eos>", "<unknown>"])
    with pytest.raises(SettingsError, match=r"model\.forbidden: a grammar of SMILES, and this model writes selfies"):
        SmilesModel(SmilesConfig(forbidden=1.0, **SMALL), vocabulary, 9, {}, "selfies")
