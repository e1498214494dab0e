"""Random spellings are spellings of the same molecule."""

from __future__ import annotations

from rdkit import Chem

from molgen.chem.spellings import random_spelling


def test_all_spellings_are_of_the_same_molecule(zinc_smiles: list[str]) -> None:
    for seed, smiles in enumerate(zinc_smiles[:300]):
        assert Chem.CanonSmiles(random_spelling(smiles, seed)) == Chem.CanonSmiles(smiles)


def test_a_seed_gives_one_spelling_and_seeds_give_many() -> None:
    smiles = "CC(=O)Nc1ccc(O)cc1"
    assert random_spelling(smiles, 3) == random_spelling(smiles, 3)
    assert len({random_spelling(smiles, seed) for seed in range(100)}) > 20
