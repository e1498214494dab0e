"""Parts that can be asked for, and the model's side of prompts."""

from __future__ import annotations

import pytest
import torch

from molgen.core.errors import SettingsError
from molgen.generators.prompts import Prompted, may_follow
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig
from molgen.represent.tokens import BOS, EOS, PAD, SPECIAL, UNKNOWN, Vocabulary


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"scaffold": "c1ccc("}, "sample: scaffold 'c1ccc(': SMILES syntax: c1ccc("),
        ({"scaffold": ""}, "sample: scaffold '': empty SMILES"),
        (
            {"scaffold": "C=*"},
            "sample: scaffold 'C=*': attachment point: each [*] is to hang on one atom by a single bond",
        ),
        ({"scaffold": "CC.CC"}, "sample: scaffold 'CC.CC': one part is expected; `link` joins two"),
        (
            {"scaffold": "FC(F)(F)F"},
            "sample: scaffold 'FC(F)(F)F': no atom has a hydrogen to give; nothing can be added",
        ),
        (
            {"link": "*CC"},
            "sample: link '*CC': two parts with one [*] each are expected, as in '[*]c1ccccc1.[*]N1CCCC1'",
        ),
        ({"link": "*CC*.*C"}, "sample: link '*CC*.*C': two parts with one [*] each are expected, as in"),
        ({"link": "*C.*C", "scaffold": "C"}, "sample: scaffold, link: give one of them"),
        ({"beam": True, "scaffold": "C"}, "sample: beam: cannot begin with a given part; leave out scaffold and link"),
    ],
)
def test_parts_that_cannot_be_used_are_one_clear_line(wishes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Prompted.parse(wishes, where="sample")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "allowed"),
    [("C", True), ("Cl", True), ("c", True), ("[nH]", True), ("-", True), ("/", True)]
    + [(token, False) for token in ("=", "#", "(", ")", "1", "%10", ".", "*", "[*]", "<eos>", "<pad>")],
)
def test_one_atom_by_one_single_bond_may_follow(token: str, allowed: bool) -> None:
    assert may_follow(token) is allowed


@pytest.fixture
def toy() -> SmilesModel:
    """Random weights over few tokens, with a mark for random spellings."""
    torch.manual_seed(0)
    config = SmilesConfig(width=16, layers=2, heads=2, random_spelling=0.5)
    model = SmilesModel(config, Vocabulary([*SPECIAL, "C", "N", "O", "=", "1"]), longest=6).double().eval()
    with torch.no_grad():
        model.network.logits.weight.mul_(2)
        torch.nn.init.normal_(model.random)
    return model


def test_texts_begin_with_their_prompts_and_go_on_as_they_may(toy: SmilesModel) -> None:
    prompts = ["C", "CN", "NC=O"] * 200
    draws = torch.arange(len(prompts)).numpy()
    free = toy.draw_texts(draws, 0, prompts=prompts)
    held = toy.draw_texts(draws, 0, prompts=prompts, behind=may_follow)
    for texts, firsts in ((free, {"C", "N", "O", "=", "1", ""}), (held, {"C", "N", "O"})):
        ended = [(text, prompt) for text, prompt in zip(texts, prompts, strict=True) if text is not None]
        assert all(text.startswith(prompt) for text, prompt in ended)
        assert {text[len(prompt) :][:1] for text, prompt in ended} == firsts


def test_log_prob_behind_given_tokens_is_the_chain_rule_from_there_on(toy: SmilesModel) -> None:
    texts, given = ["CCO", "CNO=C", "C", "NNN"], [1, 3, 1, 0]
    found = toy.log_prob(texts, spelling="random", given=given)
    for text, count, total in zip(texts, given, found.tolist(), strict=True):
        assert total == pytest.approx(_by_hand(toy, text, count), abs=1e-9)


def _by_hand(model: SmilesModel, text: str, given: int) -> float:
    """One token at a time through the cached step, with the mark of a random spelling."""
    caches, total, token = model.network.empty_cache(), 0.0, BOS
    for place, target in enumerate([*model.vocabulary.encode(text).tolist(), EOS]):
        logits = model.network.step(torch.tensor([token]), caches, place, model.random[None])[0].detach()
        logits[[PAD, BOS, UNKNOWN]] = -torch.inf
        total += float(torch.log_softmax(logits, -1)[target]) if place >= given else 0.0
        token = target
    return total
