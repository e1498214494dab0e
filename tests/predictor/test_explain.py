"""What atoms add to a prediction: removed environments are those that hold the atom, and the picture shows them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from typer.testing import CliRunner

from molgen.chem.descriptors import VALUES
from molgen.chem.fingerprints import morgan_counts, morgan_places
from molgen.chem.parse import parse
from molgen.cli.predictor import app
from molgen.core.errors import InputError
from molgen.predictor.explain import explain, explain_file
from molgen.predictor.features import BITS, features, without_each_atom
from molgen.predictor.fit import fit
from molgen.predictor.kinds import Bayes
from molgen.predictor.settings import PredictorSettings
from molgen.predictor.table import read_measured

SMALL = {"trees": 60, "folds": 3, "epochs": 15, "width": 16, "rate": 1e-2}


@pytest.fixture(scope="module")
def measured(table):
    return read_measured(table, "logP")


@pytest.fixture(scope="module")
def forest(measured):
    return fit(measured.smiles, measured.values, "logP", PredictorSettings(**SMALL), 0)


def test_places_are_those_of_the_counts(zinc_smiles):
    for text in zinc_smiles[:40]:
        mol = parse(text)
        assert Counter(key for key, _ in morgan_places(mol)) == morgan_counts(mol)


def test_the_atoms_of_an_environment_lie_within_its_radius():
    found = [atoms for _, atoms in morgan_places(parse("CCCO"))]  # atoms 0 to 3 in a chain
    assert sorted(atoms for atoms in found if len(atoms) == 1) == [[0], [1], [2], [3]]
    assert all(atoms == list(range(atoms[0], atoms[-1] + 1)) for atoms in found)
    assert max(map(len, found)) == 4


def test_what_is_left_without_an_atom():
    """An atom that every environment of radius 2 reaches takes all but its neighbours' own ones along."""
    mol = parse("CC(C)O")
    left = without_each_atom(mol)
    assert np.array_equal(left[0], features([mol])[0])
    assert (left[:, :BITS] >= 0).all()
    assert left[1 + 1, :BITS].sum() == 3  # radius 0 of the three others
    weight = BITS + list(VALUES).index("MW")
    assert left[0, weight] - left[1:, weight] == pytest.approx([15.035, 13.019, 15.035, 17.007], abs=0.01)


def test_rings_and_charges_lose_an_atom_too():
    for text in ("c1ccc2[nH]ccc2c1", "C[N+](C)(C)CC(=O)[O-]", "F[P-](F)(F)(F)(F)F"):
        assert np.isfinite(without_each_atom(parse(text))).all()


@pytest.mark.parametrize("kind", ["forest", "boosted", "network"])
def test_atoms_that_make_lipophilic_are_found(measured, kind):
    predictor = fit(measured.smiles, measured.values, "logP", PredictorSettings(kind=kind, **SMALL), 0)
    found = []
    for e in explain(predictor, measured.smiles[:60]):
        truth = [c for c, _ in rdMolDescriptors._CalcCrippenContribs(e.mol)]
        found.append(np.corrcoef(e.atoms, truth)[0, 1])
    assert np.nanmean(found) > 0.15


def test_a_kind_with_weights_gives_them_back(measured):
    """Naive Bayes by hand: without an atom the sum lacks the weights of the environments that only it has."""
    mol = parse("CCO")
    keys = np.array(sorted(morgan_counts(mol)))
    kind = Bayes(keys, np.linspace(-1, 1, len(keys)), np.array([1.0, 0.0]))
    weights = dict(zip(keys.tolist(), kind.weights.tolist(), strict=True))
    places = morgan_places(mol)
    for atom, found in enumerate(kind.attributions(mol)):
        kept = {key for key, atoms in places if atom not in atoms}
        whole, left = (1 / (1 + np.exp(-sum(weights[k] for k in some))) for some in (weights, kept))
        assert found == pytest.approx(whole - left)


def test_the_picture_holds_each_molecule(forest, measured, tmp_path):
    forest.save(tmp_path)
    (tmp_path / "m.smi").write_text("\n".join(["CCO", "C(C", *measured.smiles[:5]]) + "\n")
    found = explain_file(tmp_path, tmp_path / "m.smi", tmp_path / "atoms.svg", 4)
    assert [e.smiles for e in found] == ["CCO", *measured.smiles[:3]]
    text = (tmp_path / "atoms.svg").read_text()
    assert text.lstrip().startswith("<?xml")
    assert text.count("<ellipse") == sum(e.mol.GetNumAtoms() for e in found)
    with pytest.raises(InputError, match=r"a picture is \.svg or \.png"):
        explain_file(tmp_path, tmp_path / "m.smi", tmp_path / "atoms.pdf", 4)


def test_the_verb(forest, tmp_path):
    forest.save(tmp_path)
    (tmp_path / "m.smi").write_text("CCO\nc1ccccc1Cl\n")
    run = CliRunner().invoke(app, ["explain", str(tmp_path), str(tmp_path / "m.smi"), "--out", str(tmp_path / "a.png")])
    assert run.exit_code == 0, run.output
    assert len(run.output.splitlines()) == 3
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert Chem.MolFromSmiles(run.output.splitlines()[0].split()[-1]) is not None
