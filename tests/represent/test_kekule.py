"""Which aromatic systems have a Kekulé structure: the matching against brute force, the rule against RDKit."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from molgen.represent.grammar import Grammar
from molgen.represent.kekule import covered
from molgen.represent.tokens import EOS, SPECIAL, Vocabulary

VOCABULARY = Vocabulary([*SPECIAL, *"cC()1O2N=n3F-Sso#456", "Cl", "[nH]"])


def _brute_force(needy: set[int], available: set[int], edges: list[tuple[int, int]]) -> bool:
    """Tries every set of bonds among the available atoms."""
    usable = [edge for edge in edges if set(edge) <= available]
    for n in range(len(usable) + 1):
        for chosen in itertools.combinations(usable, n):
            ends = Counter(itertools.chain.from_iterable(chosen))
            if max(ends.values(), default=0) <= 1 and needy <= set(ends):
                return True
    return False


def test_a_matching_is_found_where_there_is_one() -> None:
    generator, outcomes = random.Random(0), Counter[bool]()
    for _ in range(300):
        atoms = range(generator.randint(1, 8))
        edges = [e for e in itertools.combinations(atoms, 2) if generator.random() < 0.35][:11]
        links = [[a + b - i for a, b in edges if i in (a, b)] for i in atoms]
        available = {i for i in atoms if generator.random() < 0.9}
        needy = {i for i in available if generator.random() < 0.7}
        expected = _brute_force(needy, available, edges)
        assert covered(needy, available, links) == expected
        outcomes[expected] += 1
    assert min(outcomes.values()) > 60


@pytest.mark.parametrize(
    ("text", "token", "fine"),
    [
        ("c1oc", "o", False),  # cut off from all other carbons, however many will be written
        ("c1oc", "(", True),  # `=O`
        ("c1oc(C)", "o", False),
        ("c1cc2cc", "o", True),
        ("c1ccc2cc", "1", True),
        ("c1cc[nH]", "c", True),
        ("c1cc2[nH]", "c", True),
        ("c1c[nH]c", "[nH]", False),  # one carbon between two nitrogens
        ("c1cn(", "C", True),
        ("c1cccn(", "C", True),
        ("c1ccccn", "1", True),
        ("N1c2cccc", "1", True),
        ("N1Cc2cccc2", "1", False),  # five carbons, and the last can get no `=O`
    ],
)
def test_what_cannot_kekulize_is_refused(text: str, token: str, fine: bool) -> None:
    grammar = Grammar(VOCABULARY, 40)
    state = grammar.start(1)
    for one in VOCABULARY.encode(text):
        grammar.advance(state, np.array([one]))
    assert grammar.allowed(state, 30)[0, VOCABULARY.tokens.index(token)] == fine


def test_whole_ring_systems_are_allowed_exactly_where_rdkit_kekulizes_them() -> None:
    generator, atoms = random.Random(1), ["c", "n", "o", "[nH]"]
    texts = ["{}1{}{}{}{}1".format(*ring) for ring in itertools.product(atoms, repeat=5)]
    for system in ("{}1{}c2{}{}{}{}c2{}1", "{}1{}{}c2{}({}1)Cc1{}{}{}{}c1-2", "{}1{}c2{}{}c3{}{}{}{}c3c2{}1"):
        texts += [system.format(*(generator.choice([*atoms, "c", "c"]) for _ in range(12))) for _ in range(150)]
    texts = [text for text in texts if Chem.MolFromSmiles(text, sanitize=False) is not None]
    allowed = _allowed(texts)
    expected = [Chem.MolFromSmiles(text) is not None for text in texts]
    assert [text for text, one, other in zip(texts, allowed, expected, strict=True) if one != other] == []
    assert 150 < sum(expected) < len(texts) - 150


def _allowed(texts: list[str]) -> np.ndarray:
    """(texts,): whether the grammar allows each token of a text, and its end."""
    ids = [VOCABULARY.encode(text).tolist() for text in texts]
    tokens = np.array([row + [EOS] * (40 - len(row)) for row in ids])
    grammar = Grammar(VOCABULARY, 60)
    state, rows, out = grammar.start(len(texts)), np.arange(len(texts)), np.zeros(len(texts), bool)
    for place, column in enumerate(tokens.T):
        fine = grammar.allowed(state, 60 - place)[np.arange(len(rows)), column[rows]]
        state, rows = grammar.keep(state, np.flatnonzero(fine)), rows[fine]
        grammar.advance(state, column[rows])
    out[rows] = True
    return out
