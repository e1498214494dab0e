"""Other SMILES of the same molecule (Arus-Pous et al. 2019)."""

from __future__ import annotations

import numpy as np
from rdkit import Chem

from molgen.chem.parse import parse


def random_spelling(smiles: str, seed: int) -> str:
    """A SMILES of the molecule from another atom and in another order; the same for the same seed."""
    return respell(parse(smiles), np.random.default_rng(seed))


def respell(mol: Chem.Mol, generator: np.random.Generator) -> str:
    """A SMILES whose first atom and branches follow a random order of the atoms."""
    order = generator.permutation(mol.GetNumAtoms()).tolist()
    return Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
