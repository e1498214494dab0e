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
        ("c1oc", "o", False),  # even with three more carbons: one is cut off from the others
        ("c1oc", "(", True),  # `=O`
        ("c1oc(C)", "o", False),
        ("c1cc2cc", "o", True),
        ("c1ccc2cc", "1", True),
        ("c1cc[nH]", "c", True),
        ("c1cc2[nH]", "c", True),
        ("c1c[nH]c[nH]", "1", False),  # one carbon between two nitrogens
        ("c1cn(", "C", True),
        ("c1cccn(", "C", True),
        ("c1ccccn(", "C", False),  # five carbons in a row and `n` with three neighbours: no ring of six
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


def test_of_texts_written_at_random_few_do_not_kekulize() -> None:
    count, longest, generator = 600, 40, np.random.default_rng(1)
    grammar = Grammar(VOCABULARY, longest)
    state, written = grammar.start(count), np.full((count, longest + 1), EOS)
    for place in range(longest + 1):
        allowed = grammar.allowed(state, longest + 1 - place)
        weights = np.where(np.array(VOCABULARY.tokens) == "c", 6, 1)  # aromatic systems of several rings
        written[:, place] = (generator.random(allowed.shape) ** (1 / weights) * allowed).argmax(1)
        grammar.advance(state, written[:, place])
    mols = [Chem.MolFromSmiles(VOCABULARY.decode(row[: row.index(EOS)])) for row in written.tolist()]
    aromatic = [mol is None or any(a.GetIsAromatic() for a in mol.GetAtoms()) for mol in mols]
    assert np.mean(aromatic) > 0.3
    print(np.mean(aromatic), np.mean([mol is None for mol in mols]))
    assert np.mean([mol is None for mol in mols]) < 0.05
