"""How tokens are chosen: against brute force over a toy vocabulary."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import torch

from molgen.core.errors import InputError, SettingsError
from molgen.generators.decoding import Decoding, Steps, beam_search, choose, draw
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig, SmilesDrawing
from molgen.represent.tokens import SPECIAL, Vocabulary

TEXTS = ["".join(p) for n in range(4) for p in itertools.product("CNO", repeat=n)]


@pytest.fixture(params=["transformer", "gru"])
def toy(request: pytest.FixtureRequest) -> SmilesModel:
    """Random weights over the tokens C, N, O and at most three of them, two conditions and random spellings."""
    torch.manual_seed(0)
    config = SmilesConfig(
        architecture=request.param, width=16, layers=2, heads=2, conditions=("a", "b"), random_spelling=0.5
    )
    knots = {"a": [0.0, 1.0, 2.0], "b": [0.0, 1.0]}
    model = SmilesModel(config, Vocabulary([*SPECIAL, "C", "N", "O"]), 3, knots).double().eval()
    with torch.no_grad():
        model.network.logits.weight.mul_(4)
        model.conditions.code.weight.normal_()
        model.random.normal_()
    return model


def _frequencies(model: SmilesModel, how: SmilesDrawing, n: int = 3000) -> Counter[str | None]:
    return Counter(model.draw_texts(np.arange(n), 5, how))


def test_beam_search_finds_the_likeliest_texts_in_order(toy: SmilesModel) -> None:
    nats = toy.log_prob(TEXTS)
    order = nats.argsort(descending=True)
    wide = toy._likeliest(100, SmilesDrawing(beam=True))  # wide enough for nothing to be left out
    assert wide[: len(TEXTS)] == [TEXTS[i] for i in order]
    narrow = [t for t in toy._likeliest(5, SmilesDrawing(beam=True)) if t is not None]
    assert narrow == sorted(narrow, key=wide.index)
    assert set(narrow[:2]) <= set(wide[:5])


def test_a_wide_beam_finds_all_texts_once(toy: SmilesModel) -> None:
    found = toy._likeliest(100, SmilesDrawing(beam=True))
    assert sorted(t for t in found if t is not None) == sorted(TEXTS)
    assert found[len(TEXTS) :] == [None] * (100 - len(TEXTS))


def test_temperature_sharpens_each_choice(toy: SmilesModel) -> None:
    cold = _frequencies(toy, SmilesDrawing(temperature=0.02), 200)
    best, token, caches = [], 1, toy.network.empty_cache()
    for place in range(4):  # at a low temperature: the likeliest token at each place
        logits = toy.network.step(torch.tensor([token]), caches, place)[0].masked_fill(toy.never, -torch.inf)
        token = int(logits.argmax())
        best.append(token)
    assert cold.most_common(1)[0][0] == toy._texts(torch.tensor([best]))[0]
    assert len(cold) < len(_frequencies(toy, SmilesDrawing(temperature=2.0), 200))


def test_a_nucleus_holds_the_likeliest_tokens_of_its_share_and_no_others() -> None:
    class Fixed:
        def empty_cache(self) -> list[object]:
            return []

        def step(self, tokens, caches, place, bias=None):
            return torch.tensor([[0.0, 0.0, 0.05, 0.0, 0.5, 0.3, 0.15]]).log().repeat(len(tokens), 1)

    never = torch.tensor([True, True, False, True, False, False, False])
    for share, kept in ((0.4, {4}), (0.6, {4, 5}), (0.85, {4, 5, 6}), (1.0, {2, 4, 5, 6})):
        uniforms = torch.rand(3000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        drawn = draw(Steps(Fixed(), never), uniforms, Decoding(top_p=share))
        assert set(drawn.flatten().tolist()) == kept
    ratio = (drawn == 4).sum() / (drawn == 5).sum()
    assert float(ratio) == pytest.approx(5 / 3, rel=0.1)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_guidance_tilts_the_distribution(toy: SmilesModel, guidance: float) -> None:
    how = SmilesDrawing(condition={"a": 1.5}, guidance=guidance)
    steps = toy._steps(1, how, np.array([[1.5, np.nan]]))
    codes = torch.from_numpy(toy.conditions.encode(np.array([[1.5, np.nan]])))
    with_it, without, bias = toy.network.empty_cache(), toy.network.empty_cache(), toy.conditions(codes)
    for place, token in enumerate([1, 4, 6]):
        ids = torch.tensor([token])
        asked = toy.network.step(ids, with_it, place, bias).log_softmax(-1)
        plain = toy.network.step(ids, without, place).log_softmax(-1)
        expected = (plain + guidance * (asked - plain)).masked_fill(toy.never, -torch.inf).softmax(-1)
        assert torch.allclose(steps(ids, place).softmax(-1), expected, atol=1e-9)


def test_guided_draws_are_the_same_in_batches_of_any_size(toy: SmilesModel) -> None:
    how = SmilesDrawing(condition={"a": 0.3, "b": 0.9}, guidance=2.0, spelling="random")
    whole = toy.draw_texts(np.arange(40), 1, how)
    assert whole == [t for i in range(0, 40, 7) for t in toy.draw_texts(np.arange(i, min(i + 7, 40)), 1, how)]


def test_a_condition_changes_the_draws_and_a_missing_one_does_not(toy: SmilesModel) -> None:
    plain = _frequencies(toy, SmilesDrawing(), 500)
    assert _frequencies(toy, SmilesDrawing(guidance=3.0), 500) == plain
    assert _frequencies(toy, SmilesDrawing(condition={"b": 0.5}), 500) != plain


def test_prompted_draws_go_on_from_their_prompts(toy: SmilesModel) -> None:
    n = 6000
    drawn = Counter(toy.draw_texts(np.arange(n), 2, prompts=["N"] * (n // 2) + ["OC"] * (n // 2)))
    for prompt in ("N", "OC"):
        texts = [t for t in TEXTS if t.startswith(prompt)]
        likely = toy.log_prob(texts).exp()
        ended = sum(drawn[t] for t in texts)
        for text, share in zip(texts, (likely / likely.sum()).tolist(), strict=True):
            deviation = (share * (1 - share) / ended) ** 0.5
            assert drawn[text] / ended == pytest.approx(share, abs=4.5 * deviation + 1e-9)


def test_the_two_spellings_are_two_distributions(toy: SmilesModel) -> None:
    n = 3000
    drawn = _frequencies(toy, SmilesDrawing(spelling="random"), n)
    expected = toy.log_prob(TEXTS, spelling="random").exp() * n
    for text, count in zip(TEXTS, expected.tolist(), strict=True):
        assert drawn[text] == pytest.approx(count, abs=5 * max(count, 1) ** 0.5)
    assert not torch.allclose(expected / n, toy.log_prob(TEXTS).exp(), atol=1e-3)


def test_what_a_model_has_not_learnt_is_refused(toy: SmilesModel) -> None:
    bare = SmilesModel(SmilesConfig(width=8, heads=2, layers=1), toy.vocabulary, 3).eval()
    with pytest.raises(SettingsError, match="trained without conditions"):
        bare.sample(1, seed=0, drawing=SmilesDrawing(condition={"a": 1.0}))
    with pytest.raises(SettingsError, match="canonical SMILES only"):
        bare.sample(1, seed=0, drawing=SmilesDrawing(spelling="random"))
    with pytest.raises(SettingsError, match=r"condition.aa: .*did you mean 'a'"):
        toy.sample(1, seed=0, drawing=SmilesDrawing(condition={"aa": 1.0}))
    with pytest.raises(InputError, match="token"):
        toy.draw_texts(np.arange(1), 0, prompts=["Cl"])


def test_choose_inverts_the_cumulative_distribution() -> None:
    logits = torch.tensor([[-np.inf, 0.0, np.log(3), -np.inf]])
    picked = [int(choose(logits, torch.tensor([u], dtype=torch.float64))) for u in (0.0, 0.249, 0.251, 0.999)]
    assert picked == [1, 1, 2, 2]


def test_a_beam_of_one_follows_the_likeliest_tokens(toy: SmilesModel) -> None:
    steps = toy._steps(1, SmilesDrawing())
    assert len(beam_search(steps, 1, 4, Decoding())) <= 1
