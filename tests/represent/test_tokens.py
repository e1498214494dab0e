"""Tokens: nothing of a SMILES is lost, and the vocabulary is the same whatever the order of the data."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgen.core.errors import ArtifactError
from molgen.represent.tokens import MAX_TOKENS, SPECIAL, UNKNOWN, Vocabulary, tokenize

SMILES_LIKE = st.text(st.sampled_from("CNOclBr[]@H+-=#()123%0n/\\."))


@given(SMILES_LIKE | st.text(st.characters(exclude_characters="\n")))
def test_tokens_joined_are_the_text(text):
    assert "".join(tokenize(text)) == text


def test_tokens_by_hand():
    assert tokenize("Clc1ccc%12[nH]c1[C@@H](Br)/C=C/[NH3+]") == [
        *("Cl", "c", "1", "c", "c", "c", "%12", "[nH]", "c", "1", "[C@@H]", "(", "Br", ")"),
        *("/", "C", "=", "C", "/", "[NH3+]"),
    ]
    assert tokenize("C[Na") == ["C", "[", "N", "a"]  # an atom that is not closed


def test_an_atom_is_one_token(zinc):
    for text in zinc:
        atoms = [token for token in tokenize(text) if token[0] == "[" or token[0].isalpha()]
        assert len(atoms) == Chem.MolFromSmiles(text).GetNumAtoms()


def test_encoded_molecules_decode(zinc):
    vocabulary = Vocabulary.learn(Counter(token for text in zinc for token in tokenize(text)))
    for text in zinc:
        ids = vocabulary.encode(text)
        assert ids.dtype == np.uint8
        assert ids.min() >= len(SPECIAL)
        assert vocabulary.decode(ids.tolist()) == text


def test_vocabulary_is_ordered_by_count_then_alphabet():
    assert Vocabulary.learn({"N": 2, "C": 5, "B": 2, "O": 1}).tokens == (*SPECIAL, "C", "B", "N", "O")


@given(st.permutations([(f"[{i}]", i // 3 + 1) for i in range(20)]))
def test_vocabulary_does_not_depend_on_the_order_of_counting(counts):
    assert Vocabulary.learn(dict(counts)).tokens == Vocabulary.learn(dict(sorted(counts))).tokens


def test_a_vocabulary_keeps_the_most_frequent_tokens():
    counts = {f"[C:{i:03}]": 1000 - i for i in range(300)}
    vocabulary = Vocabulary.learn(counts)
    assert len(vocabulary) == MAX_TOKENS
    assert vocabulary.tokens[-1] == f"[C:{MAX_TOKENS - len(SPECIAL) - 1:03}]"
    assert vocabulary.encode("[C:000][C:251][C:252]").tolist() == [4, 255, UNKNOWN]


def test_a_token_that_was_not_learnt_is_unknown():
    vocabulary = Vocabulary.learn({"C": 2, "O": 1})
    assert vocabulary.encode("CNO").tolist() == [4, UNKNOWN, 5]
    assert vocabulary.decode([4, UNKNOWN, 5]) == "C<unknown>O"
    assert vocabulary.encode("").tolist() == []


@pytest.mark.parametrize(
    "tokens",
    [("C", "N"), (*SPECIAL, "C", "C"), (*SPECIAL, *(f"[{i}]" for i in range(253))), ()],
    ids=["no special tokens", "twice the same", "too many", "none"],
)
def test_a_damaged_vocabulary_is_refused(tokens):
    with pytest.raises(ArtifactError, match="vocabulary: not one of molgen's"):
        Vocabulary(tokens)
