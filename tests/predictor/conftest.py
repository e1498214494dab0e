"""A table of molecules with a property that can be learnt, and classes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen


@pytest.fixture(scope="session")
def table(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 molecules with logP and some noise, whether it is above 2.5, and a year; four rows that cannot be used."""
    smiles = zinc_smiles[:240]
    noise = np.random.default_rng(0).normal(0, 0.2, len(smiles))
    logp = np.array([Crippen.MolLogP(Chem.MolFromSmiles(s)) for s in smiles]) + noise
    rows = pd.DataFrame({"SMILES": smiles, "logP": logp, "high": (logp > 2.5).astype(int), "year": range(240)})
    rows["part"] = ["test" if i % 5 == 0 else "train" for i in range(240)]
    bad = pd.DataFrame({"SMILES": ["C(C", None, "CCO", "CCC"], "logP": [1, 1, None, "x"], "high": 0, "part": "train"})
    file = tmp_path_factory.mktemp("table") / "logp.csv"
    pd.concat([rows, bad]).to_csv(file, index=False)
    return file
