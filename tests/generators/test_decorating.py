"""Decorating and growing, with a writer whose texts are known and with a model of random weights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import AllChem
from scripted import Scripted

from molgen.chem.attachments import holds, read_parts
from molgen.core.errors import InputError, SettingsError
from molgen.data.store import Store
from molgen.generators.decorating import decorated
from molgen.generators.prompts import Prompted
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesConfig, SmilesDrawing

DRAWS = np.arange(40)


def _wish(scaffold: str) -> Prompted:
    return Prompted.parse({"scaffold": scaffold})


def test_each_point_gets_what_was_written_for_it() -> None:
    samples = decorated(Scripted(["C", "O"]), DRAWS, 0, _wish("*c1ccc(*)cn1"))
    assert set(samples.smiles) == {
        Chem.CanonSmiles(s) for s in ("Cc1ccc(C)nc1", "Cc1ccc(O)cn1", "Oc1ccc(C)cn1", "Oc1ccc(O)nc1")
    }
    assert samples.reasons == [None] * len(DRAWS)


def test_every_point_is_prompted_once_in_random_order_on_the_molecule_so_far() -> None:
    writer = Scripted(["Cl"])
    decorated(writer, DRAWS, 0, _wish("*CCN(*)S*"))
    assert [len(prompts) for prompts in writer.prompts] == [len(DRAWS)] * 3
    chlorines = [[Counter(Chem.CanonSmiles(p).count("Cl") for p in prompts)] for prompts in writer.prompts]
    assert chlorines == [[Counter({turn: len(DRAWS)})] for turn in range(3)]
    assert len({Chem.CanonSmiles(p) for p in writer.prompts[1]}) == 3  # each of the three came first


def test_a_scaffold_without_marks_grows_at_any_atom_with_a_hydrogen() -> None:
    samples = decorated(Scripted(["F"]), np.arange(200), 0, _wish("Cc1cc[nH]c1"))
    assert set(samples.smiles) == {Chem.CanonSmiles(s) for s in _fluorinated("Cc1cc[nH]c1")}


def _fluorinated(smiles: str) -> list[str]:
    """All products of replacing one hydrogen, by a reaction of RDKit's."""
    reaction = AllChem.ReactionFromSmarts("[*:1][#1]>>[*:1]F")
    products = reaction.RunReactants((Chem.AddHs(Chem.MolFromSmiles(smiles)),))
    return [Chem.MolToSmiles(Chem.RemoveHs(Chem.MolFromSmiles(Chem.MolToSmiles(p)))) for (p,) in products]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "no end within the length"),
        ("C(", "SMILES syntax"),
        ("C.C", "several fragments"),
        ("=O", "not attached at the point"),
        ("C=N=O=C", "valence"),
    ],
)
def test_what_cannot_be_put_on_the_part_is_null_with_its_reason(written: str | None, reason: str) -> None:
    samples = decorated(Scripted([written]), DRAWS, 0, _wish("*CC"))
    assert samples.smiles == [None] * len(DRAWS)
    assert samples.reasons == [reason] * len(DRAWS)


def test_a_failure_at_the_first_point_is_not_prompted_again() -> None:
    writer = Scripted(["C("])
    assert set(decorated(writer, DRAWS, 0, _wish("*CC*")).reasons) == {"SMILES syntax"}
    assert len(writer.prompts) == 1


@pytest.fixture
def model(features: Path) -> SmilesModel:
    """Random weights that write short texts over a real vocabulary; float64, so that batches do not matter."""
    torch.manual_seed(0)
    config = SmilesConfig(width=16, layers=2, heads=2, random_spelling=0.5)
    model = SmilesModel.build(config, Store.open(features)).double().eval()
    keep = [model.vocabulary.tokens.index(t) for t in ("<eos>", "C", "N", "O")]
    model.never[[i for i in range(len(model.vocabulary)) if i not in keep]] = True
    return model


@pytest.mark.parametrize("scaffold", ["*C1CCN(*)CC1", "Cc1ccccc1", "C[C@H](O)*"])
def test_what_a_model_returns_holds_the_part(model: SmilesModel, scaffold: str) -> None:
    samples = model.sample(200, seed=0, drawing=SmilesDrawing(scaffold=scaffold))
    assert len(samples.smiles) == len(samples.reasons) == 200
    found = [s for s in samples.smiles if s is not None]
    assert len(set(found)) > 5
    for smiles in found:
        mol = Chem.MolFromSmiles(smiles)
        assert Chem.MolToSmiles(mol) == smiles
        assert mol.HasSubstructMatch(Chem.MolFromSmarts(scaffold.replace("*", "[!#1]")), useChirality=True)
        assert "*" not in scaffold or holds(mol, read_parts(scaffold)[0])


def test_draws_depend_on_seed_and_number_alone(model: SmilesModel) -> None:
    how = SmilesDrawing(scaffold="*C1CCN(*)CC1")
    whole, tail = model.sample(60, seed=3, drawing=how), model.sample(20, seed=3, first=40, drawing=how)
    assert (whole.smiles[40:], whole.reasons[40:]) == (tail.smiles, tail.reasons)
    model.config = model.config.model_copy(update={"sampling_batch": 7})
    assert model.sample(60, seed=3, drawing=how) == whole
    assert model.sample(60, seed=4, drawing=how) != whole


@pytest.mark.parametrize(
    ("scaffold", "message"),
    [
        (
            "*[Xe]C",
            r"scaffold '\*\[Xe\]C': the token \[Xe\] is not in this model's vocabulary; give another part, or a model",
        ),
        ("*" + "C" * 100, r"10\d tokens, this model writes at most \d+; give another part"),
    ],
)
def test_a_part_that_the_model_cannot_spell_is_refused(model: SmilesModel, scaffold: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        model.sample(10, seed=0, drawing=SmilesDrawing(scaffold=scaffold))
    assert "\n" not in str(caught.value)


def test_growing_passes_over_atoms_that_cannot_be_spelled() -> None:
    writer = Scripted(["F"])
    writer.unknown = {"[nH]"}  # so that nothing but the nitrogen can be grown from
    assert set(decorated(writer, DRAWS, 0, _wish("c1cc[nH]c1")).smiles) == {"Fn1cccc1"}


def test_a_part_that_cannot_be_spelled_any_more_is_null_with_its_reason() -> None:
    writer = Scripted(["Cl"])
    writer.unknown = {"Cl"}
    samples = decorated(writer, DRAWS, 0, _wish("*CC*"))
    assert samples.reasons == ["part that the model cannot spell"] * len(DRAWS)


def test_a_model_of_canonical_smiles_only_says_so(features: Path) -> None:
    plain = SmilesModel.build(SmilesConfig(width=16, layers=1, heads=2), Store.open(features)).eval()
    with pytest.raises(SettingsError, match="scaffold, link: this model knows canonical SMILES only; train one with"):
        plain.sample(1, seed=0, drawing=SmilesDrawing(scaffold="CC"))
