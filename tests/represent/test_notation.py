"""Notations: SELFIES reads the same molecule again, and any string of its tokens is a molecule."""

import random

import pytest

from molgen.chem.parse import canonical, parse
from molgen.core.errors import ArtifactError
from molgen.represent.notation import notation, selfies_of, smiles_of
from molgen.represent.tokens import tokenize


def test_real_molecules_come_back(zinc):
    texts = [selfies_of(smiles) for smiles in zinc[:400]]
    assert sum(text is None for text in texts) <= 4
    for smiles, text in zip(zinc, texts, strict=False):
        if text is not None:
            assert canonical(smiles_of(text)) == smiles
            assert "".join(tokenize(text)) == text
            assert all(token[0] == "[" and token[-1] == "]" for token in tokenize(text))


@pytest.mark.parametrize(
    "smiles",
    [
        "C[C@H](N)C(=O)[O-]",
        "F/C=C/Cl",
        "F/C=C\\Cl",
        "[15NH2]C[13CH3]",
        "C[N+](C)(C)CC[O-]",
        "C%10CCCCCCCCC%10",
        "c1ccc2cccc-2cc1",
        "C[S@](=O)c1ccccc1",
    ],
)
def test_stereo_charges_isotopes_and_high_ring_numbers_come_back(smiles):
    assert canonical(smiles_of(selfies_of(smiles))) == canonical(smiles)


@pytest.mark.parametrize("smiles", ["*c1ccccc1", "[NH3]->[Cu+]", "CP(F)(F)(F)(F)F", "C$C", "[Na+].[Cl-]"])
def test_what_selfies_cannot_write_is_none(smiles):
    assert selfies_of(smiles) is None


def test_random_tokens_are_a_molecule(zinc):
    tokens = sorted({token for smiles in zinc[:300] for token in tokenize(selfies_of(smiles) or "")})
    draw = random.Random(0)
    for _ in range(500):
        smiles = smiles_of("".join(draw.choices(tokens, k=draw.randint(1, 60))))
        if smiles:  # a text of branch and ring tokens alone writes nothing
            assert parse(smiles).GetNumAtoms() > 0


def test_a_text_that_is_no_selfies_is_empty():
    assert smiles_of("[C][unknown-token]") == ""
    assert smiles_of("[C") == ""


def test_smiles_are_left_as_they_are():
    assert notation("smiles").of_smiles("OCC") == notation("smiles").to_smiles("OCC") == "OCC"


def test_an_unknown_notation_names_the_nearest():
    with pytest.raises(ArtifactError, match="did you mean 'selfies'"):
        notation("selfie")
