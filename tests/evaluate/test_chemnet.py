"""ChemNet against the package that its weights are from, and the distance against the formula with a matrix root."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy import linalg

from molgen.chem.parse import canonical
from molgen.evaluate import chemnet, frechet
from molgen.evaluate.chemnet import ChemNetMissingError, activations, characters, filled, weights_file
from molgen.evaluate.frechet import Gaussian, frechet_distance, gaussian
from molgen.evaluate.statistics import delivered, unpacked

from .prepared import TEST, TRAIN

SMILES = [canonical(s) for s in (*TRAIN, *TEST, "[Si](C)(C)C", "BrCCCl", "O=C([O-])[C@@H]1CC[NH2+]1")] + ["[Cl-].[Na+]"]
LONG = ["C" * 347, "C" * 348, "C" * 349, "C" * 400, "c1ccccc1" * 20]


def test_activations_equal_those_of_the_package():
    from fcd_torch.utils import SmilesDataset, load_imported_model

    texts = SMILES + LONG
    original = load_imported_model(torch.load(weights_file(), weights_only=True)).eval()
    dataset = SmilesDataset(texts, canonize=False)
    one_hot = torch.tensor(np.stack([dataset[i] for i in range(len(texts))])).float().transpose(1, 2)
    with torch.no_grad():
        expected = original(one_hot).numpy()
    assert np.abs(activations(texts) - expected).max() < 2e-5


def test_two_letters_and_unknown_characters_are_read_as_in_the_original():
    assert characters("ClB") == [5, 7, chemnet.END]
    assert characters("C%") == [0, chemnet.UNKNOWN, chemnet.END]
    assert characters("C.C") == [0, chemnet.END]
    assert len(characters("C" * 400)) == 350
    assert filled(350) == chemnet.POSITIONS


def test_rows_do_not_depend_on_their_company_or_on_workers(monkeypatch):
    monkeypatch.setattr(chemnet, "BATCH", 3)
    monkeypatch.setattr(chemnet, "FEW", 0)
    one = activations(SMILES, workers=1)
    assert np.array_equal(one, activations(SMILES, workers=1))
    assert np.abs(one[::-1] - activations(SMILES[::-1])).max() < 1e-5


def test_missing_and_other_weights_are_said(monkeypatch, tmp_path):
    monkeypatch.setattr(chemnet, "SHA256", "0")
    with pytest.raises(ChemNetMissingError, match="not the weights of fcd-torch"):
        weights_file()
    monkeypatch.setattr(chemnet, "PACKAGE", "no-such-package")
    with pytest.raises(ChemNetMissingError, match="pip install no-such-package"):
        activations(["C"])


@pytest.mark.parametrize("rows", [7, 1_000])
def test_the_distance_is_the_formula_and_repeats_count(rows, monkeypatch):
    monkeypatch.setattr(frechet, "ROWS", rows)
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=(40, 8)), numbers.normal(0.3, 2, size=(50, 8))
    counts = numbers.integers(1, 4, size=40)
    first, second = gaussian(a, counts), gaussian(b, np.ones(50, int))
    everything = np.repeat(a, counts, axis=0)
    assert first.mean == pytest.approx(everything.mean(0))
    assert first.covariance == pytest.approx(np.cov(everything.T))
    c1, c2 = first.covariance, second.covariance
    root = linalg.sqrtm(c1 @ c2).real
    expected = ((first.mean - second.mean) ** 2).sum() + np.trace(c1 + c2 - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_what_comes_with_molgen_is_two_covariances():
    tensors = load_file(files("molgen.evaluate").joinpath("known/moses.safetensors"))
    keys = {name.partition(".")[0] for name in tensors}
    assert len(keys) == 2
    found = [Gaussian(1, tensors[f"{key}.mean"], unpacked(tensors[f"{key}.covariance"], 512)) for key in sorted(keys)]
    assert min(np.linalg.eigvalsh(g.covariance).min() for g in found) > -1e-6
    # the distance of MOSES' two held-out splits is what separates the two columns of its table (about .45 to .5)
    assert 0.3 < frechet_distance(*found) < 0.7
    assert delivered(["CCO"]) is None
