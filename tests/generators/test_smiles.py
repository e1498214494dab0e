"""The SMILES transformer: likelihoods against enumeration, sampling against likelihoods."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.represent.tokens import BOS, EOS, PAD, SPECIAL, UNKNOWN, Vocabulary

SMALL = SmilesConfig(width=16, layers=2, heads=2)


@pytest.fixture
def toy() -> SmilesModel:
    """Random weights over the tokens C, N, O and at most three of them."""
    torch.manual_seed(0)
    model = SmilesModel(SMALL, Vocabulary([*SPECIAL, "C", "N", "O"]), longest=3).double().eval()
    with torch.no_grad():
        model.network.logits.weight.mul_(4)  # far from uniform, so that mistakes show
    return model


@pytest.fixture
def real(features: Path) -> SmilesModel:
    """Random weights over a real vocabulary."""
    torch.manual_seed(1)
    return SmilesModel.build(SMALL, Store.open(features)).eval()


def _texts(longest: int) -> list[str]:
    return ["".join(p) for n in range(longest + 1) for p in itertools.product("CNO", repeat=n)]


def _by_hand(model: SmilesModel, text: str, *, ended: bool = True) -> float:
    """The chain rule, one token at a time, through the sampler's cached step."""
    caches, total, token = model.network.empty_cache(), 0.0, BOS
    for place, target in enumerate([*model.vocabulary.encode(text).tolist(), *([EOS] if ended else [])]):
        logits = model.network.step(torch.tensor([token]), caches, place)[0].detach()
        logits[[PAD, BOS, UNKNOWN]] = -torch.inf
        total += float(torch.log_softmax(logits, -1)[target])
        token = target
    return total


def test_log_prob_is_the_chain_rule_over_the_cached_steps(toy: SmilesModel) -> None:
    texts = _texts(3)
    assert toy.log_prob(texts).tolist() == pytest.approx([_by_hand(toy, t) for t in texts], abs=1e-9)


def test_probabilities_of_all_texts_sum_to_one(toy: SmilesModel) -> None:
    ended = toy.log_prob(_texts(2)).detach().exp().sum()
    longer = math.fsum(math.exp(_by_hand(toy, text, ended=False)) for text in _texts(3) if len(text) == 3)
    assert float(ended) + longer == pytest.approx(1, abs=1e-9)


def test_log_prob_does_not_depend_on_the_batch(real: SmilesModel) -> None:
    texts = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "C"]
    together = real.log_prob(texts)
    alone = torch.cat([real.log_prob([t]) for t in texts])
    assert torch.allclose(together, alone, atol=1e-4)


def test_log_prob_is_minus_infinity_off_the_vocabulary_and_past_the_length(real: SmilesModel) -> None:
    values = real.log_prob(["[Xe]", "C" * (real.longest + 1), "C"])
    assert values[:2].tolist() == [-math.inf, -math.inf]
    assert math.isfinite(values[2].item())


def test_log_prob_is_differentiable(real: SmilesModel) -> None:
    real.log_prob(["CCO", "[Xe]"])[0].backward()
    assert real.network.logits.weight.grad.abs().sum() > 0


def test_loss_is_the_mean_of_log_prob_over_tokens(real: SmilesModel, features: Path) -> None:
    store = Store.open(features)
    rows = store.rows("train")[:150]
    loss = real.loss(real.collate(store, rows))
    assert float(loss.weight) == store.token_lengths(rows).sum() + len(rows)
    assert float(loss.total) == pytest.approx(-float(real.log_prob(store.smiles(rows)).sum()), rel=1e-4)


def test_draws_are_the_same_in_batches_of_any_size(real: SmilesModel) -> None:
    real.double()
    drawn = []
    for size in (1, 7, 64):
        real.config = SMALL.model_copy(update={"sampling_batch": size})
        drawn.append(real.draw_texts(np.arange(40), 3) if size == 64 else _raw(real, 40, size))
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(set(drawn[0])) > 30


def _raw(model: SmilesModel, n: int, size: int) -> list[str | None]:
    return [t for i in range(0, n, size) for t in model.draw_texts(np.arange(i, min(i + size, n)), 3)]


def test_drawn_texts_are_as_frequent_as_they_are_likely(toy: SmilesModel) -> None:
    n = 4000
    counts = Counter(toy.draw_texts(np.arange(n), seed=5))
    texts = _texts(3)
    expected = {t: math.exp(p) * n for t, p in zip(texts, toy.log_prob(texts).tolist(), strict=True)}
    chi_square = sum((counts[t] - e) ** 2 / e for t, e in expected.items() if e > 5)
    degrees = sum(e > 5 for e in expected.values())
    assert chi_square < degrees + 4 * math.sqrt(2 * degrees)


def test_a_draw_that_does_not_end_is_null_with_its_reason(toy: SmilesModel) -> None:
    with torch.no_grad():
        toy.network.logits.weight[EOS] = 0
        toy.network.logits.weight[EOS + 2 :] *= 100
    samples = toy.sample(50, seed=0)
    unfinished = [r for s, r in zip(samples.smiles, samples.reasons, strict=True) if s is None]
    assert "no end within the length" in unfinished


def test_molecules_with_tokens_off_the_vocabulary_are_left_out(features: Path, real: SmilesModel) -> None:
    store = Store.open(features)
    rows = np.arange(len(store))
    odd = [i for i, smiles in enumerate(store.smiles(rows)) if "<unknown>" in smiles]
    assert odd, "the fixture holds none: the test would show nothing"
    assert set(rows) - set(real.usable(store, rows)) == set(odd)


def test_heads_must_divide_the_width(features: Path) -> None:
    with pytest.raises(SettingsError, match=r"model.width = 18: must be a multiple of heads = 4"):
        SmilesModel.build(SmilesConfig(width=18, heads=4), Store.open(features))


@pytest.mark.parametrize("architecture", ["transformer", "gru"])
def test_a_model_that_is_given_a_tally_begins_as_it_was(features: Path, architecture: str) -> None:
    torch.manual_seed(2)
    before = SmilesModel.build(SMALL.model_copy(update={"architecture": architecture}), Store.open(features)).eval()
    after = before.with_settings(before.config.model_copy(update={"tally": True})).eval()
    texts = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1"]
    assert torch.equal(before.log_prob(texts), after.log_prob(texts))
    with pytest.raises(RuntimeError, match="tally"):
        after.with_settings(before.config)


def test_log_prob_with_a_tally_is_the_chain_rule_over_the_cached_steps(features: Path) -> None:
    torch.manual_seed(3)
    model = SmilesModel.build(SMALL.model_copy(update={"tally": True}), Store.open(features)).double().eval()
    assert model.network.tally is not None
    torch.nn.init.normal_(model.network.tally.code.weight)
    texts = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1"]
    assert model.log_prob(texts).tolist() == pytest.approx([_by_hand(model, t) for t in texts], abs=1e-9)


def test_a_tally_of_selfies_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"model\.tally: counts in SMILES"):
        SmilesModel(
            SMALL.model_copy(update={"tally": True}), Vocabulary([*SPECIAL, "[C]"]), longest=3, written_in="selfies"
        )
