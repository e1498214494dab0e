"""Draws under the grammar: their distribution against enumeration over a toy vocabulary, and what else may be asked."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from molgen.chem.parse import BadMolecule, canonical
from molgen.core import seeds
from molgen.generators.decoding import draw
from molgen.generators.folder import load_model
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig, SmilesDrawing
from molgen.represent.tokens import BOS, EOS, SPECIAL, Vocabulary

TOKENS, LONGEST = ["C", "O", "=", "(", ")"], 4
MASKED = SmilesDrawing(grammar=True)
NOTHING = np.zeros(len(SPECIAL) + len(TOKENS), bool)  # may follow a text that is forbidden itself
Prefix = tuple[int, ...]


@pytest.fixture(scope="module")
def toy() -> SmilesModel:
    """Random weights over texts of at most four tokens, most of them no molecules; a condition and random spellings."""
    torch.manual_seed(0)
    config = SmilesConfig(width=16, layers=2, heads=2, conditions=("a",), random_spelling=0.5)
    model = SmilesModel(config, Vocabulary([*SPECIAL, *TOKENS]), LONGEST, {"a": [0.0, 1.0, 2.0]}).double().eval()
    with torch.no_grad():
        model.network.logits.weight.mul_(0.8)
        model.conditions.code.weight.normal_()
        model.random.normal_()
    return model


class Enumeration:
    """All texts of a toy model with their probabilities, free and under the grammar, token by token."""

    def __init__(self, model: SmilesModel) -> None:
        self.model = model
        self.free: dict[Prefix, np.ndarray] = {}
        self.allowed: dict[Prefix, np.ndarray] = {}
        level: list[Prefix] = [()]
        for place in range(LONGEST + 1):
            self._read_free(level)
            self._read_allowed([p for p in level if not p or self.allowed.get(p[:-1], NOTHING)[p[-1]]], place)
            level = [(*prefix, i) for prefix in level for i in range(len(SPECIAL), len(SPECIAL) + len(TOKENS))]

    def _read_free(self, level: list[Prefix]) -> None:
        caches = self.model.network.empty_cache()
        for place, tokens in enumerate(torch.tensor([(BOS, *prefix) for prefix in level]).T):
            logits = self.model.network.step(tokens, caches, place).masked_fill(self.model.never, -torch.inf)
        self.free |= dict(zip(level, logits.softmax(-1).detach().numpy(), strict=True))

    def _read_allowed(self, level: list[Prefix], place: int) -> None:
        state = self.model.grammar.start(len(level))
        for tokens in np.array(level).reshape(len(level), place).T.astype(int):
            self.model.grammar.advance(state, tokens)
        allowed = self.model.grammar.allowed(state, LONGEST + 1 - place)
        self.allowed |= dict(zip(level, allowed, strict=True))

    def masked(self, prefix: Prefix = (), share: float = 1.0) -> Counter[str]:
        """The distribution under the grammar of what begins with an allowed prefix, times a share."""
        out: Counter[str] = Counter()
        kept = self.free[prefix] * self.allowed[prefix]
        for token in np.flatnonzero(kept):
            part = share * kept[token] / kept.sum()
            out.update({self.text(prefix): part} if token == EOS else self.masked((*prefix, int(token)), part))
        return out

    def turned(self, all_of_them: bool) -> Counter[str]:
        """The distribution of free draws that are turned at the first forbidden token, if they are no molecule."""
        out: Counter[str] = Counter()
        todo: list[tuple[Prefix, float]] = [((), 1.0)]
        while todo:
            prefix, share = todo.pop()
            for token in np.flatnonzero(self.free[prefix]).tolist():
                whole, part = (*prefix, token), share * float(self.free[prefix][token])
                if token != EOS and len(whole) <= LONGEST:
                    todo.append((whole, part))
                elif token == EOS and is_molecule(self.text(prefix)) and not all_of_them:
                    out[self.text(prefix)] += part
                else:
                    at = next((i for i, t in enumerate(whole) if not self.allowed[whole[:i]][t]), None)
                    out.update({self.text(prefix): part} if at is None else self.masked(whole[:at], part))
        return out

    def text(self, prefix: Prefix) -> str:
        return self.model.vocabulary.decode(list(prefix))


@pytest.fixture(scope="module")
def enumeration(toy: SmilesModel) -> Enumeration:
    return Enumeration(toy)


def is_molecule(text: str | None) -> bool:
    try:
        return text is not None and bool(canonical(text))
    except BadMolecule:
        return False


def _is_drawn_from(drawn: Counter[str | None], expected: Counter[str]) -> None:
    n = drawn.total()
    assert set(drawn) <= set(expected)
    assert math.isclose(expected.total(), 1, abs_tol=1e-9)
    often = {text: share * n for text, share in expected.items() if share * n > 5}
    chi_square = sum((drawn[text] - count) ** 2 / count for text, count in often.items())
    assert chi_square < len(often) + 4 * math.sqrt(2 * len(often))


def test_turning_each_draw_at_its_first_forbidden_token_is_the_masked_distribution(enumeration: Enumeration) -> None:
    masked, turned = enumeration.masked(), enumeration.turned(all_of_them=True)
    assert set(masked) == set(turned)
    assert all(math.isclose(masked[text], turned[text], rel_tol=1e-9) for text in masked)


def test_drafts_are_turned_to_the_masked_distribution(toy: SmilesModel, enumeration: Enumeration) -> None:
    draws, free = np.arange(4000), SmilesDrawing()
    first, second = (torch.from_numpy(seeds.uniforms(seed, draws, LONGEST + 1)) for seed in (1, 2))
    with torch.inference_mode():
        drafts = draw(toy._steps(len(draws), free), first, free)
        written = draw(toy._steps(len(draws), MASKED), second, MASKED, draft=drafts)
    drawn = Counter(toy._texts(written))
    _is_drawn_from(drawn, enumeration.masked())


def test_draws_under_the_grammar_keep_every_molecule_and_turn_the_rest(
    toy: SmilesModel, enumeration: Enumeration
) -> None:
    n = 4000
    free, drawn = toy.draw_texts(np.arange(n), 3), toy.draw_texts(np.arange(n), 3, MASKED)
    assert all(map(is_molecule, drawn))
    assert 0.05 < np.mean([is_molecule(text) for text in free]) < 0.9  # else little is shown
    assert all(one == other for one, other in zip(free, drawn, strict=True) if is_molecule(one))
    expected = enumeration.turned(all_of_them=False)
    assert set(expected) - set(enumeration.masked()) == {"C(C)", "C(O)", "O(C)", "O(O)"}  # which RDKit does not write
    _is_drawn_from(Counter(drawn), expected)


def test_draws_under_the_grammar_do_not_depend_on_the_batch(toy: SmilesModel) -> None:
    whole = toy.draw_texts(np.arange(90), 4, MASKED)
    parts = [text for i in range(0, 90, 7) for text in toy.draw_texts(np.arange(i, min(i + 7, 90)), 4, MASKED)]
    small = toy.with_settings(toy.config.model_copy(update={"sampling_batch": 9})).double().eval()
    assert whole == parts == small.draw_texts(np.arange(90), 4, MASKED)
    assert len(set(whole)) > 10


@pytest.mark.parametrize(
    "asked",
    [
        {"temperature": 1.5},
        {"top_p": 0.7},
        {"spelling": "random"},
        {"condition": {"a": 1.5}},
        {"condition": {"a": 0.5}, "guidance": 2.0},
    ],
)
def test_the_grammar_goes_with_everything_that_may_be_asked(toy: SmilesModel, asked: dict) -> None:
    n = np.arange(300)
    free = toy.draw_texts(n, 5, SmilesDrawing(**asked))
    drawn = toy.draw_texts(n, 5, SmilesDrawing(grammar=True, **asked))
    assert all(map(is_molecule, drawn))
    assert not all(map(is_molecule, free))
    assert all(one == other for one, other in zip(free, drawn, strict=True) if is_molecule(one))


def test_the_grammar_goes_with_prompts(toy: SmilesModel) -> None:
    prompts = ["C=", "OC"] * 100
    drawn = toy.draw_texts(np.arange(200), 6, MASKED, prompts=prompts, behind=lambda token: token in "CO")
    assert all(map(is_molecule, drawn))
    assert all(text[: len(begun) + 1] in {begun + "C", begun + "O"} for begun, text in zip(prompts, drawn, strict=True))


def test_a_beam_under_the_grammar_finds_the_likeliest_that_it_allows(
    toy: SmilesModel, enumeration: Enumeration
) -> None:
    found = toy._likeliest(400, SmilesDrawing(beam=True, grammar=True))
    assert [text for text in found if text is not None] == [text for text, _ in enumeration.masked().most_common()]


def test_the_shipped_model_writes_molecules_under_the_grammar() -> None:
    model = load_model("smiles-moses", device="cpu", precision="fp32")
    free, drawn = (model.sample(512, seed=0, drawing=SmilesDrawing(grammar=grammar)) for grammar in (False, True))
    assert free.smiles.count(None) > 4
    assert drawn.smiles.count(None) <= 3
    assert set(drawn.reasons) <= {None, "kekulization"}
