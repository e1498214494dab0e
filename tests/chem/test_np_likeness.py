"""Natural-product likeness equals that of RDKit's Contrib script."""

import importlib.util
from pathlib import Path

import pytest
from rdkit import Chem, RDConfig

from molgen.chem import np_likeness as module
from molgen.chem.np_likeness import np_likeness
from molgen.core.errors import MachineError


def test_equal_to_npscorer(mols):
    path = Path(RDConfig.RDContribDir) / "NP_Score" / "npscorer.py"
    spec = importlib.util.spec_from_file_location("npscorer", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    model = script.readNPModel()
    for mol in mols[:500]:
        assert np_likeness(mol) == script.scoreMol(mol, model)


def test_natural_products_and_synthetic_ones_lie_apart():
    strychnine = Chem.MolFromSmiles("O=C1C[C@@H]2OCC=C3CN4CC[C@]56[C@@H]4C[C@H]3[C@H]2[C@H]6N1c1ccccc15")
    imatinib = Chem.MolFromSmiles("Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1")
    assert np_likeness(strychnine) > 1
    assert np_likeness(imatinib) < -1


def test_an_rdkit_without_its_contrib_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(module.RDConfig, "RDContribDir", str(tmp_path))
    module._model.cache_clear()
    with pytest.raises(MachineError, match="np_likeness needs an RDKit with its Contrib folder"):
        np_likeness(Chem.MolFromSmiles("CCO"))
    module._model.cache_clear()
