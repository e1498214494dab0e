"""Scaffolds: every draw contains the part, grown at its points and nowhere else, judged by substructure search."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molgen.core.errors import InputError
from molgen.generators.graph_vae.model import GraphVAE
from molgen.generators.graph_vae.settings import GraphVAEDrawing


@pytest.mark.parametrize(
    "scaffold",
    [
        "c1ccccc1",
        "c1ccc(N[*])cc1",
        "[*]c1ccc(C(=O)N2CCN([*])CC2)cc1",
        "[*]C(C)C",
        "[*]c1nc2ccc([*])c3c2n1CC3",  # a ring system that the vocabulary lacks: atoms and joins
        "O=C1CCCN1",
    ],
)
def test_every_draw_contains_the_scaffold(model: GraphVAE, scaffold: str) -> None:
    samples = model.sample(40, seed=5, drawing=GraphVAEDrawing(scaffold=scaffold))
    plain = Chem.MolFromSmiles(scaffold.replace("([*])", "").replace("[*]", ""))
    for text, reason in zip(*samples, strict=True):
        assert text is not None, reason
        mol = Chem.MolFromSmiles(text)
        assert mol.HasSubstructMatch(plain), text
        assert mol.GetNumHeavyAtoms() > plain.GetNumHeavyAtoms()


def test_nothing_grows_off_the_points(model: GraphVAE) -> None:
    samples = model.sample(40, seed=6, drawing=GraphVAEDrawing(scaffold="[*]c1ccc(C)cc1"))
    pattern = Chem.MolFromSmarts("[*;!#1]!@c1[cH][cH]c([CH3])[cH][cH]1")
    for text in samples.smiles:
        assert Chem.MolFromSmiles(text).HasSubstructMatch(pattern), text


@pytest.mark.parametrize(
    ("scaffold", "reason"),
    [
        ("c1ccc", "SMILES syntax"),
        ("CC.CC", "one part"),
        ("[*][Te]C", "never had it"),
        ("C" * 150, "too large"),
        ("FC(F)(F)F", "no atom has a hydrogen"),
    ],
)
def test_a_scaffold_that_cannot_be_built_is_one_clear_line(model: GraphVAE, scaffold: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        model.sample(2, seed=0, drawing=GraphVAEDrawing(scaffold=scaffold))
