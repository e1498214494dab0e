"""Graphs: a molecule comes back from its arrays, and PyG and DGL see the same graph."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.represent.graphs import BONDS, MAX_ATOMS, AtomSymbol, GraphArrays, graph_of, molecule_of, to_dgl, to_pyg

ODD = [
    *("C", "[H][H]", "[H+]", "[H]", "[Na+].[Cl-]", "[Fe+2]", "[C-]#[O+]", "*CC*"),  # hardly molecules
    *("C[CH]C", "[CH2]", "[O][O]", "C[N]C", "[c]1ccccc1", "[Na]", "C[Si](C)C", "CC([CH2])=O"),  # radicals
    *("[2H]C([2H])([2H])O", "[15NH2]CC[13CH3]", "c1cc[13cH]cc1", "[13C@@H](F)(Cl)Br"),  # isotopes
    *("[O-][n+]1ccccc1", "C[N+](C)(C)CC(=O)[O-]", "[BH4-]", "[NH4+]", "c1ccc[cH+]cc1", "c1cc[cH-]c1"),  # charges
    *("c1c[nH+]c[nH]1", "c1cc[nH]c1", "c1cc[se]c1", "b1ccccc1", "p1ccccc1", "O=c1cc[nH]c(=O)[nH]1"),  # aromatic
    *("[H]/N=C/C", "[H]N=C(N)c1ccccc1", "F/C=C/[C@H](Cl)Br", "C[S@](=O)c1ccccc1"),  # stereo, written hydrogens
    *("[SH4]", "C[SH4]C", "[PH5]", "O=[PH](O)O", "C[IH2]", "F[PH](F)(F)F", "FS(F)(F)(F)(F)F"),  # hypervalent
    *("[O-][Cl+3]([O-])([O-])[O-]", "[CH3][Mg][Br]", "C[As](C)C", "Cl[Pt](Cl)(N)N"),
    *("C1CC2CCC1C2", "c1ccc2c(c1)ccc1ccccc12", "C1CCC2(CC1)CCCCC2", "C%10CCCCCCCCC%10", "C" * MAX_ATOMS),
]


@pytest.fixture(scope="module")
def molecules(zinc) -> list[str]:
    return zinc + [Chem.CanonSmiles(text) for text in ODD]


def _flat(smiles: str) -> str:
    """RDKit's canonical SMILES with isotopes and without stereochemistry."""
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return Chem.MolToSmiles(mol)


def _with_written_hydrogens(smiles: str) -> Chem.Mol:
    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    return Chem.MolFromSmiles(smiles, parameters)


def test_a_molecule_comes_back_from_its_graph(molecules):
    for text in molecules:
        atoms, bonds = graph_of(text)
        mol = molecule_of(atoms, bonds)
        Chem.SanitizeMol(mol)
        assert Chem.MolToSmiles(mol) == _flat(text), text


def test_atoms_and_bonds_are_those_of_rdkit(molecules):
    for text in molecules:
        mol, (atoms, bonds) = _with_written_hydrogens(text), graph_of(text)
        expected = [
            (a.GetAtomicNum(), a.GetFormalCharge(), a.GetIsAromatic(), a.GetIsotope(), a.GetNumRadicalElectrons())
            for a in mol.GetAtoms()
        ]
        assert [(a.atomic_number, a.charge, a.aromatic, a.isotope, a.radicals) for a in atoms] == expected, text
        ends = {
            (*sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx())), BONDS.index(b.GetBondType())) for b in mol.GetBonds()
        }
        assert set(map(tuple, bonds.tolist())) == ends, text
        assert len(bonds) == len(ends)
        assert bonds.dtype == np.uint8
        assert (bonds[:, 0] < bonds[:, 1]).all()


@pytest.mark.parametrize(
    "text",
    ["N->[Cu+]", "[Cu+]<-N", "C" * (MAX_ATOMS + 1), "C$C", "C~C", "C1CC", "X", "not a molecule"],
    ids=["dative", "dative back", "256 atoms", "quadruple", "unspecified", "open ring", "no atom", "text"],
)
def test_what_has_no_graph(text):
    assert graph_of(text) is None


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        (AtomSymbol(6), "C"),
        (AtomSymbol(6, aromatic=True), "c"),
        (AtomSymbol(7, charge=1, aromatic=True, hydrogens=1), "[nH+]"),
        (AtomSymbol(26, charge=2), "[Fe+2]"),
        (AtomSymbol(6, isotope=13, radicals=1), "[13C·]"),
        (AtomSymbol(16, hydrogens=4), "[SH4]"),
        (AtomSymbol(0), "?"),
    ],
)
def test_an_atom_symbol_reads_like_smiles(symbol, shown):
    assert str(symbol) == shown
    assert AtomSymbol(**symbol.values()) == symbol


BATCH = ["CCO", "C", "C#N", "c1cc[nH]c1"]


def _arrays(smiles: list[str]) -> GraphArrays:
    """Graphs laid end to end by a loop; an atom's id is its atomic number."""
    atoms: list[int] = []
    bonds: list[list[int]] = []
    graphs = [graph_of(text) for text in smiles]
    for graph in graphs:
        bonds += [[begin + len(atoms), end + len(atoms), kind] for begin, end, kind in graph.bonds.tolist()]
        atoms += [symbol.atomic_number for symbol in graph.atoms]
    counts = [np.array([len(g[i]) for g in graphs]) for i in (0, 1)]
    return GraphArrays(np.array(atoms), np.array(bonds).reshape(-1, 3), *counts)


def test_pyg_batch():
    batch = to_pyg(_arrays(BATCH))
    assert batch.num_graphs == len(BATCH)
    assert batch.x.tolist() == [6, 6, 8, 6, 6, 7, 6, 6, 6, 7, 6]
    assert batch.batch.tolist() == [0, 0, 0, 1, 2, 2, 3, 3, 3, 3, 3]
    assert batch.ptr.tolist() == [0, 3, 4, 6, 11]
    assert batch.edge_attr.tolist() == [0, 0, 0, 0, 2, 2, *[3] * 10]
    assert batch.edge_index[:, :6].T.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1], [4, 5], [5, 4]]
    graph = batch.batch[batch.edge_index]
    assert (graph[0] == graph[1]).all()
    assert (graph[0].diff() >= 0).all()  # a molecule's edges lie together
    assert batch.is_undirected()


def test_batches_of_nothing():
    empty = GraphArrays(np.empty(0, np.int64), np.empty((0, 3), np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64))
    assert to_pyg(empty).num_graphs == 2
    assert to_pyg(_arrays(["C", "N"])).edge_index.shape == (2, 0)


def test_dgl_batch_is_the_pyg_batch(molecules):
    dgl = pytest.importorskip("dgl", reason="DGL is an optional extra (molgen-pipeline[dgl]) and is not installed")
    arrays = _arrays([*molecules[:40], *BATCH])
    ours, theirs = to_pyg(arrays), to_dgl(arrays)
    assert torch.equal(torch.stack(theirs.edges()), ours.edge_index)
    assert torch.equal(theirs.ndata["x"], ours.x)
    assert torch.equal(theirs.edata["edge_attr"], ours.edge_attr)
    assert torch.equal(theirs.batch_num_nodes(), ours.ptr.diff())
    apart = dgl.unbatch(theirs)
    assert len(apart) == 44
    for text, graph in zip(BATCH, apart[40:], strict=True):
        alone = to_pyg(_arrays([text]))
        assert torch.equal(torch.stack(graph.edges()), alone.edge_index)
        assert torch.equal(graph.edata["edge_attr"], alone.edge_attr)
        assert torch.equal(graph.ndata["x"], alone.x)
