"""Molecules as graphs: atom symbols and bond types as arrays, and back; batches for PyG and for DGL.

An atom's symbol holds element, charge, aromaticity, the hydrogens of an aromatic or hypervalent atom (`[nH]`,
`C[SH4]C`), isotope and radical electrons. Stereochemistry is not in the graph (it is in the SMILES tokens); featurize
says for how many molecules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdqueries

from molgen.represent.tokens import tokenize

if TYPE_CHECKING:
    import dgl
    from torch import Tensor
    from torch_geometric.data import Batch

BONDS = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC)
BOND_NAMES = ("single", "double", "triple", "aromatic")
_ORDER_TO_TYPE = {1.0: 0, 2.0: 1, 3.0: 2, 1.5: 3}
_TYPE_OF_ORDER = np.full(8, 255, np.uint8)  # index: twice the bond order
for _order, _type in _ORDER_TO_TYPE.items():
    _TYPE_OF_ORDER[int(2 * _order)] = _type

_AS_WRITTEN: Any = Chem.SmilesParserParams()
_AS_WRITTEN.sanitize = False
_AS_WRITTEN.removeHs = False
_NO_BOND_TYPE = re.compile(r"->|<-|[~$]")  # dative, unspecified, quadruple
HYPERVALENT = frozenset((15, 16, 17, 33, 34, 35, 52, 53))  # their valence does not tell how many hydrogens they have
_RADICAL = rdqueries.NumRadicalElectronsGreaterQueryAtom(0)

MAX_ATOMS = 255  # atom numbers are stored as uint8
UNKNOWN_ATOM = 0  # the symbol of an atom type that the training split does not have


@dataclass(frozen=True, order=True)
class AtomSymbol:
    """An atom type of the graph vocabulary."""

    atomic_number: int
    charge: int = 0
    aromatic: bool = False
    hydrogens: int = 0  # of an aromatic or hypervalent atom, where they are not implied
    isotope: int = 0
    radicals: int = 0
    may_be_radical: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        name = Chem.GetPeriodicTable().GetElementSymbol(self.atomic_number) if self.atomic_number else "?"
        name = name.lower() if self.aromatic else name
        sign = "+" if self.charge > 0 else "-"
        charge = (sign + (str(abs(self.charge)) if abs(self.charge) > 1 else "")) if self.charge else ""
        isotope = str(self.isotope) if self.isotope else ""
        hydrogens = ("H" + (str(self.hydrogens) if self.hydrogens > 1 else "")) if self.hydrogens else ""
        inside = f"{isotope}{name}{hydrogens}{charge}{'·' * self.radicals}"
        return inside if inside == name else f"[{inside}]"

    def values(self) -> dict[str, Any]:
        """As JSON values, for a store's or a model's header."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.compare}


class Graph(NamedTuple):
    """A molecule's graph: `atoms` in the order of its SMILES; `bonds` is (bonds, 3) uint8: begin < end, type."""

    atoms: list[AtomSymbol]
    bonds: np.ndarray


def graph_of(smiles: str) -> Graph | None:
    """The graph of a valid SMILES; None where it has none (bonds of other types, over 255 atoms).

    The text is parsed without sanitizing: its tokens are its atoms in order, so no atom is asked one by one.
    """
    mol = Chem.MolFromSmiles(smiles, _AS_WRITTEN)
    if mol is None or mol.GetNumAtoms() > MAX_ATOMS or _NO_BOND_TYPE.search(smiles):
        return None
    symbols = [symbol for symbol in map(atom_symbol, tokenize(smiles)) if symbol is not None]
    if len(symbols) != mol.GetNumAtoms():
        return None
    order = Chem.GetAdjacencyMatrix(mol, useBO=True)
    begin, end = np.nonzero(np.triu(order))
    types = _TYPE_OF_ORDER[(2 * order[begin, end]).astype(np.intp)]
    if any(symbol.may_be_radical for symbol in symbols):
        symbols = _with_radicals(mol, symbols)
    return Graph(symbols, np.stack([begin, end, types], axis=1).astype(np.uint8))


@lru_cache(maxsize=4096)
def atom_symbol(token: str) -> AtomSymbol | None:
    """The atom type that a SMILES token writes; None for a bond, branch or ring token."""
    if not (token[0] == "[" or token[0].isalpha() or token == "*"):
        return None
    atom = Chem.MolFromSmiles(token, _AS_WRITTEN).GetAtomWithIdx(0)
    aromatic = atom.GetIsAromatic()
    return AtomSymbol(
        atom.GetAtomicNum(),
        atom.GetFormalCharge(),
        aromatic,
        atom.GetNumExplicitHs() if aromatic or atom.GetAtomicNum() in HYPERVALENT else 0,
        atom.GetIsotope(),
        may_be_radical=token[0] == "[" and "@" not in token and (not aromatic or token == "[c]"),
    )


def _with_radicals(mol: Chem.Mol, symbols: list[AtomSymbol]) -> list[AtomSymbol]:
    """The symbols with the radical electrons that valence leaves to bracket atoms."""
    mol.UpdatePropertyCache(strict=False)
    Chem.AssignRadicals(mol)
    out = list(symbols)
    for atom in mol.GetAtomsMatchingQuery(_RADICAL):
        place = atom.GetIdx()
        out[place] = replace(out[place], radicals=atom.GetNumRadicalElectrons())
    return out


def molecule_of(atoms: Sequence[AtomSymbol], bonds: np.ndarray) -> Chem.Mol:
    """The molecule with these atoms and bonds, not yet sanitized: `Chem.SanitizeMol` tells whether it exists."""
    mol = Chem.RWMol()
    for symbol in atoms:
        atom = Chem.Atom(symbol.atomic_number)
        atom.SetFormalCharge(symbol.charge)
        atom.SetIsotope(symbol.isotope)
        atom.SetNumRadicalElectrons(symbol.radicals)
        atom.SetIsAromatic(symbol.aromatic)
        atom.SetNumExplicitHs(symbol.hydrogens)
        atom.SetNoImplicit(symbol.hydrogens > 0)
        mol.AddAtom(atom)
    for begin, end, kind in np.asarray(bonds).tolist():
        mol.AddBond(begin, end, BONDS[kind])
    for bond in mol.GetBonds():
        bond.SetIsAromatic(bond.GetBondType() == Chem.BondType.AROMATIC)
    return mol.GetMol()


class GraphArrays(NamedTuple):
    """Graphs of a batch laid end to end. Bonds hold atom numbers of the whole batch, one direction each."""

    atoms: np.ndarray  # (atoms,) int64 ids of the store's atom symbols
    bonds: np.ndarray  # (bonds, 3) int64: begin, end, type
    atom_counts: np.ndarray  # (batch,) int64
    bond_counts: np.ndarray  # (batch,) int64


def to_pyg(graphs: GraphArrays) -> Batch:
    """A PyG batch: `x` atom ids, `edge_index` both directions, `edge_attr` bond types, `batch`, `ptr`."""
    import torch
    from torch_geometric.data import Batch

    source, target, kind = directed_edges(graphs)
    counts = torch.from_numpy(graphs.atom_counts)
    out = Batch(
        x=torch.from_numpy(graphs.atoms),
        edge_index=torch.stack([source, target]),
        edge_attr=kind,
        batch=torch.repeat_interleave(torch.arange(len(counts)), counts),
        ptr=torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
    )
    out._num_graphs = len(counts)
    return out


def to_dgl(graphs: GraphArrays) -> dgl.DGLGraph:
    """A DGL batch with the same edges in the same order: `ndata["x"]` atom ids, `edata["edge_attr"]` bond types."""
    import dgl
    import torch

    source, target, kind = directed_edges(graphs)
    out = dgl.graph((source, target), num_nodes=int(graphs.atom_counts.sum()))
    out.ndata["x"] = torch.from_numpy(graphs.atoms)
    out.edata["edge_attr"] = kind
    out.set_batch_num_nodes(torch.from_numpy(graphs.atom_counts))
    out.set_batch_num_edges(torch.from_numpy(2 * graphs.bond_counts))
    return out


def directed_edges(graphs: GraphArrays) -> tuple[Tensor, Tensor, Tensor]:
    """Source, target and type of each bond in both directions, side by side: DGL wants a molecule's edges together."""
    import torch

    bonds = torch.from_numpy(graphs.bonds)
    ends = bonds[:, :2]
    return ends.flatten(), ends.flip(1).flatten(), bonds[:, 2].repeat_interleave(2)
