"""What is counted while a SMILES is written, against the molecules that RDKit reads."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Descriptors import MolWt

from molgen.chem.spellings import random_spelling
from molgen.represent.counts import DEPTH, MASS, RINGS, UNIT, counts
from molgen.represent.tokens import BOS, SPECIAL, Vocabulary, tokenize


def _running(text: str) -> np.ndarray:
    """The counts after BOS and each token."""
    vocabulary = Vocabulary([*SPECIAL, *sorted(set(tokenize(text)))])
    return counts(vocabulary.tokens)[[BOS, *vocabulary.encode(text)]].cumsum(0)


@pytest.mark.parametrize(
    "text", ["CCO", "c1ccccc1", "c1ccncc1", "c1cc[nH]c1", "c1ccsc1", "CC#N", "O=C(O)c1ccc(Cl)cc1", "C1CC2(C1)CCNC2"]
)
def test_the_mass_of_a_plain_molecule_is_exact(text):
    assert _running(text)[-1, MASS] / UNIT == pytest.approx(MolWt(Chem.MolFromSmiles(text)), abs=0.1)


def test_the_mass_is_a_few_hydrogens_off_at_most(zinc):
    errors = [abs(_running(text)[-1, MASS] / UNIT - MolWt(Chem.MolFromSmiles(text))) for text in zinc]
    assert np.mean(errors) < 3
    assert max(errors) < 20


def test_the_mass_hardly_depends_on_the_spelling(zinc):
    plain = [text for text in zinc if "[" not in text and "S" not in text][:50]
    for i, text in enumerate(plain):
        spelling = random_spelling(text, i)
        if "[" not in spelling:
            assert _running(spelling)[-1, MASS] == pytest.approx(_running(text)[-1, MASS], abs=0.01 * UNIT)


def test_what_is_open_is_counted():
    running = _running("C1(CC2)CC2C1")
    assert running[:, DEPTH].tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    open_rings = (running[:, RINGS:] % 2).sum(1)
    assert open_rings.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 0]


def test_a_whole_smiles_leaves_nothing_open(zinc):
    for text in zinc:
        running = _running(text)
        assert running[-1, DEPTH] == 0
        assert (running[-1, RINGS:] % 2 == 0).all()


def test_tokens_that_are_no_atoms_weigh_nothing():
    table = counts([*SPECIAL, "(", ")", "/", "[Na", "?"])
    assert table[[0, 2, 3, 4, 5, 6, 7, 8], MASS].tolist() == [0] * 8
