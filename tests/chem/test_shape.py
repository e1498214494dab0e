"""Shapes: what must hold of any overlay, and an order that RDKit's other overlay agrees with."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolAlign, rdShapeHelpers

from molgen.chem.shape import conformers, shape_similarity

BIPHENYL, TERPHENYL, ADAMANTANE = "c1ccccc1-c1ccccc1", "c1ccc(cc1)-c1ccc(cc1)-c1ccccc1", "C1C2CC3CC1CC(C2)C3"


def embedded(smiles: str, count: int = 3, seed: int = 1) -> Chem.Mol:
    found = conformers(Chem.MolFromSmiles(smiles), count, seed)
    assert found is not None
    return found


def test_a_molecule_fits_itself_however_it_is_written():
    reference = embedded("CC(=O)Oc1ccccc1C(=O)O")
    assert shape_similarity(embedded("OC(=O)c1c(cccc1)OC(C)=O"), [reference])[0] == pytest.approx(1, abs=1e-3)


def test_the_same_seed_gives_the_same_coordinates_and_another_does_not():
    one, same, other = (embedded("CCCCOCCN", seed=seed).GetConformer(0).GetPositions() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_it_agrees_with_open3dalign_about_which_is_nearer():
    reference = embedded(TERPHENYL)

    def aligned(mol: Chem.Mol) -> float:
        found = []
        for own in mol.GetConformers():
            for other in reference.GetConformers():
                rdMolAlign.GetCrippenO3A(mol, reference, prbCid=own.GetId(), refCid=other.GetId()).Align()
                distance = rdShapeHelpers.ShapeTanimotoDist(mol, reference, own.GetId(), other.GetId())
                found.append(1 - distance)
        return max(found)

    near, far = embedded(BIPHENYL), embedded(ADAMANTANE)
    ours = [shape_similarity(mol, [reference])[0] for mol in (near, far)]
    assert ours[0] > ours[1]
    assert aligned(near) > aligned(far)


def test_it_is_symmetric_and_keeps_the_molecules_where_they_are():
    a, b = embedded(BIPHENYL, 1), embedded(ADAMANTANE, 1)
    before = a.GetConformer().GetPositions()
    assert shape_similarity(a, [b])[0] == pytest.approx(shape_similarity(b, [a])[0], abs=0.02)
    np.testing.assert_array_equal(a.GetConformer().GetPositions(), before)


def test_what_cannot_be_embedded_has_no_conformer():
    assert conformers(Chem.MolFromSmiles("C12C3C4C1C5C2C3C45.C1#CC1"), 1, 0) is None
