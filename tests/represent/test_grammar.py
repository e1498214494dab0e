"""The grammar: RDKit's own spellings pass token by token; what is drawn under it parses but for kekulization."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgen.chem.parse import BadMolecule, canonical
from molgen.core.errors import InputError
from molgen.represent.grammar import Grammar
from molgen.represent.grammar_state import State
from molgen.represent.tokens import EOS, PAD, SPECIAL, UNKNOWN, Vocabulary, tokenize

MOSES = [*"cC()1O2N=n3F-Sso#456", "Cl", "[nH]", "Br"]
CHARGED = [*MOSES, *"/\\PIBp*", "[n+]", "[N+]", "[O-]", "[C@@H]", "[C@H]", "[n-]", "[o+]", "[NH3+]", "[S+]", "[H]"]
ODD = [
    *("C", "[H][H]", "O=[N+]([O-])c1ccccc1", "C[S@](=O)c1ccccc1", "F/C=C/[C@H](Cl)Br", "[15NH2]C[13CH3]", "*c1ccccc1"),
    *(
        "c1ccc2cccc-2cc1",
        "c12CCCCc1cccc2",
        "O=S1(=O)c2ccccc2-c2ccccc21",
        "c1ccn2cccc2c1",
        "C=1CCCC=1",
        "N#[N+]c1ccccc1",
    ),
    *("C1CCC2(CC1)CC2", "c1cc2ccc3cccc4ccc(c1)c2c34", "[O-][n+]1ccccc1", "c1ccc2[nH]ccc2c1", "O=c1cc[nH]cc1", "B(O)O"),
    *("C[P+](C)(C)C", "OP(=O)(O)O", "FS(F)(F)(F)(F)F", "c1cc[se]c1", "c1ncc2[nH]cnc2n1", "[nH]1/c(=N/C)scc1"),
]


def grammar_of(texts: list[str], room: int = 16) -> Grammar:
    vocabulary = Vocabulary.learn(Counter(token for text in texts for token in tokenize(text)) + Counter("C"))
    return Grammar(vocabulary, max(len(tokenize(text)) for text in texts) + room)


def refused(grammar: Grammar, vocabulary: Vocabulary, texts: list[str]) -> list[str]:
    """The texts that the grammar stops, cut before the token that it refuses."""
    ids = [vocabulary.encode(text) for text in texts]
    tokens = np.full((len(ids), max(map(len, ids)) + 1), EOS)
    for row, of_text in zip(tokens, ids, strict=True):
        row[: len(of_text)] = of_text
    state, at = grammar.start(len(ids)), np.full(len(ids), -1)
    for place, column in enumerate(tokens.T):
        allowed = grammar.allowed(state, grammar.longest + 1 - place)[np.arange(len(ids)), column]
        at[(at < 0) & ~allowed] = place
        grammar.advance(state, column)
    return ["".join(tokenize(text)[:place]) for text, place in zip(texts, at, strict=True) if place >= 0]


def all_refused(texts: list[str]) -> list[str]:
    vocabulary = Vocabulary.learn(Counter(token for text in texts for token in tokenize(text)) + Counter("C"))
    grammar = grammar_of(texts)
    return [out for i in range(0, len(texts), 500) for out in refused(grammar, vocabulary, texts[i : i + 500])]


def spellings(smiles: list[str]) -> list[str]:
    """Each molecule's canonical SMILES and a random one."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    return [Chem.MolToSmiles(m) for m in mols] + [Chem.MolToSmiles(m, canonical=False, doRandom=True) for m in mols]


def draws(tokens: list[str], longest: int, count: int, seed: int) -> list[str]:
    """Texts drawn with every allowed token equally likely. Fails where none is allowed, or one does not end."""
    vocabulary = Vocabulary([*SPECIAL, *tokens])
    grammar, random = Grammar(vocabulary, longest), np.random.default_rng(seed)
    state, written = grammar.start(count), np.full((count, longest + 1), PAD)
    for place in range(longest + 1):
        allowed = grammar.allowed(state, longest + 1 - place)
        assert allowed.any(1).all()
        assert not allowed[:, [PAD, UNKNOWN]].any()
        written[:, place] = (random.random((count, len(vocabulary))) * allowed).argmax(1)
        grammar.advance(state, written[:, place])
    assert (written == EOS).any(1).all()
    return [vocabulary.decode(row[: row.index(EOS)]) for row in written.tolist()]


def reason(text: str) -> str:
    try:
        canonical(text)
    except BadMolecule as bad:
        return bad.reason
    return "valid"


def test_real_molecules_pass_whole(zinc):
    assert all_refused(spellings(zinc[:1000])) == []


def test_odd_molecules_pass_whole():
    assert all_refused([*ODD, *spellings(ODD)]) == []


@pytest.mark.slow
def test_many_real_molecules_pass_whole(zinc_of_all):
    assert len(zinc_of_all) >= 20_000
    assert all_refused(spellings(zinc_of_all)) == []


@pytest.mark.parametrize("longest", [3, 9, 30, 70])
@pytest.mark.parametrize("tokens", [MOSES, CHARGED, ["C", "N", "O"]], ids=["moses", "charged", "toy"])
def test_what_is_drawn_parses_but_for_kekulization(tokens, longest):
    reasons = Counter(map(reason, draws(tokens, longest, 400, seed=longest)))
    assert set(reasons) <= {"valid", "kekulization"}
    assert reasons["valid"] > 60


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_every_draw_ends_whatever_its_length(seed, longest):
    assert set(map(reason, draws(MOSES, longest, 8, seed))) <= {"valid", "kekulization"}


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("C", ")"),  # no branch is open
        ("C(", ")"),  # nothing in it
        ("C(C)", "<eos>"),  # RDKit writes the last neighbour without a branch
        ("C1CC", "<eos>"),  # an open ring
        ("C1", "1"),  # to the same atom
        ("C1C", "1"),  # to a neighbour
        ("C12CC1", "2"),  # twice between the same atoms
        ("C=", "<eos>"),
        ("C=", "F"),
        ("CF", "C"),
        ("C(C)(C)(C)", "="),
        ("C1CC(F", "1"),
        ("C1CC", "F"),  # no way back to the ring
        ("C", "c"),  # it can open a ring...
        ("Cc", "C"),  # ...and must
        ("c1ccccc1", "c"),  # another atom in no ring, bonded as if in one
        ("c1ccc", "1"),  # four carbons are fine (cyclobutadiene)...
        ("c1cccc", "<eos>"),
        ("c1cccc1", "<eos>"),  # five carbons: only `=` can follow
        ("c1ccnc1", "<eos>"),
        ("c1ccc1", "="),  # and here it cannot
    ],
)
def test_what_is_no_molecule_is_refused(text, token):
    vocabulary = Vocabulary([*SPECIAL, *MOSES])
    grammar = Grammar(vocabulary, 30)
    state = grammar.start(1)
    for written, one in enumerate(vocabulary.encode(text)):
        grammar.advance(state, np.array([one]))
        left = 30 - written
    expected = (text, token) in {("C", "c"), ("c1ccc", "1")}
    assert grammar.allowed(state, left)[0, vocabulary.tokens.index(token)] == expected


def test_rows_are_independent_of_each_other(zinc):
    texts = zinc[:64]
    vocabulary = Vocabulary.learn(Counter(token for text in texts for token in tokenize(text)))
    grammar = Grammar(vocabulary, 120)
    state, rows = grammar.start(len(texts)), np.arange(len(texts))
    for place in range(12):
        tokens = np.array([vocabulary.encode(texts[row])[place] for row in rows])
        grammar.advance(state, tokens)
        alone = [one(grammar, vocabulary, texts[row], place + 1) for row in rows[:3]]
        assert (grammar.allowed(state, 100)[:3] == np.stack(alone)).all()
        kept = np.flatnonzero(rows % 13 != place)
        state, rows = grammar.keep(state, kept), rows[kept]


def one(grammar: Grammar, vocabulary: Vocabulary, text: str, places: int) -> np.ndarray:
    state: State = grammar.start(1)
    for token in vocabulary.encode(text)[:places]:
        grammar.advance(state, np.array([token]))
    return grammar.allowed(state, 100)[0]


def test_along_texts_it_allows_what_it_does_step_by_step(zinc):
    texts = [*zinc[:20], "C1CC", "CC(", "C"]  # two that the grammar leaves: at their end
    vocabulary = Vocabulary.learn(Counter(token for text in texts for token in tokenize(text)))
    grammar = Grammar(vocabulary, 120)
    ids = [[*vocabulary.encode(text).tolist(), EOS] for text in texts]
    tokens = np.full((len(ids), max(map(len, ids)) + 2), PAD)
    for row, of_text in zip(tokens, ids, strict=True):
        row[: len(of_text)] = of_text
    found = grammar.along(tokens)
    for row, own in enumerate(ids):
        state = grammar.start(1)
        for place, token in enumerate(own):
            allowed = grammar.allowed(state, 121 - place)[0]
            if not allowed[token]:
                assert texts[row] in ("C1CC", "CC(")
                assert token == EOS
                break
            assert (found[row, place] == allowed).all()
            assert not allowed.all()
            grammar.advance(state, np.array([token]))
            place += 1
        assert found[row, place:].all()


def test_a_vocabulary_without_carbon_has_no_grammar():
    with pytest.raises(InputError, match="no 'C'"):
        Grammar(Vocabulary([*SPECIAL, "N", "[Branch1]"]), 10)
