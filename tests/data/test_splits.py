"""Splits depend on the molecule and the seed alone."""

from collections import Counter

import pytest
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.core.errors import InputError
from molgen.data.splits import by_column, by_files, by_fraction, by_scaffold, uniform

FRACTIONS = {"train": 0.8, "valid": 0.15, "test": 0.05}


def test_fractions_are_met():
    counts = Counter(by_fraction(1, f"C{i}", FRACTIONS) for i in range(20_000))
    for name, fraction in FRACTIONS.items():
        assert counts[name] / 20_000 == pytest.approx(fraction, abs=0.01)
    assert by_fraction(1, "C", {"train": 1.0}) == "train"


def test_seed_matters():
    assert uniform(1, "C") == uniform(1, "C") != uniform(2, "C")
    assert 0 <= uniform(1, "C") < 1


def test_one_scaffold_one_split():
    tails = ["C" * n for n in range(1, 30)]
    splits = {by_scaffold(3, Chem.MolFromSmiles(f"{tail}c1ccccc1"), tail, FRACTIONS) for tail in tails}
    assert len(splits) == 1
    chains = Counter(by_scaffold(3, Chem.MolFromSmiles("C" * n), "C" * n, FRACTIONS) for n in range(1, 200))
    assert chains["train"] > 100
    assert chains["valid"] > 5


def test_columns_and_files():
    assert by_column(" Validation ") == "valid"
    assert by_column("test_scaffolds") == "test_scaffolds"
    for bad in ("", None, "holdout"):
        with pytest.raises(BadMolecule, match="unknown split"):
            by_column(bad)
    assert by_files(["train", "Test", "val"]) == {"train": "train", "Test": "test", "val": "valid"}
    with pytest.raises(InputError, match="zinc: split=files needs files named train"):
        by_files(["zinc"])
