"""`network`: an ensemble of message-passing networks over atoms and bonds, each trained without one fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from rdkit import Chem

from molgen.core import seeds
from molgen.core.progress import progress
from molgen.predictor.features import BITS, features, without_each_atom
from molgen.predictor.folds import folds_of
from molgen.predictor.predicted import Arrays, Predicted
from molgen.predictor.settings import PredictorSettings
from molgen.represent.graphs import AtomSymbol, Graph, GraphArrays, graph_of

if TYPE_CHECKING:
    from molgen.predictor.message_passing import Net

UNKNOWN = 0  # id of an atom that no training molecule has, and of one that is left out
HIDDEN = 0.02  # share of the atoms that training hides, so that the networks know what an unknown one means
BATCH = 64
FIELDS = ("atomic_number", "charge", "aromatic", "hydrogens", "isotope", "radicals")


class Network:
    """Networks that read the graph and the property columns; their mean predicts (cross-conformal, as `boosted`)."""

    name: ClassVar[str] = "network"

    def __init__(self, types: list[AtomSymbol], scales: np.ndarray, classes: bool, members: list[Net]) -> None:
        self.types, self.scales, self.classes, self.members = types, scales, classes, members
        self._ids = {atom: 1 + i for i, atom in enumerate(types)}

    @classmethod
    def fit(
        cls, mols: list[Chem.Mol], y: np.ndarray, classes: bool, settings: PredictorSettings, seed: int
    ) -> tuple[Self, Predicted]:
        from molgen.predictor.message_passing import Net

        graphs = [_graph(mol) for mol in mols]
        types = sorted({atom for graph in graphs for atom in graph.atoms})
        columns = features(mols)[:, BITS:].astype(np.float64)
        mean, spread = (0.0, 1.0) if classes else (float(y.mean()), float(y.std()))
        scales = np.stack([np.append(columns.mean(0), mean), np.append(columns.std(0), spread)])
        scales[1] = np.where(scales[1] > 0, scales[1], 1.0)
        model = cls(types, scales, classes, [])
        unseen, wanted = np.zeros(len(y)), (y - mean) / spread
        inputs = model._inputs(graphs, columns)
        folds = folds_of(y, classes, settings.folds, seed)
        with progress("networks", len(folds) * settings.epochs, "epochs") as bar:
            for number, fold in enumerate(folds):
                rest = np.setdiff1d(np.arange(len(y)), fold)
                own = seeds.child(seed, "network", number)
                net = Net.trained(len(types) + 1, inputs, wanted, rest, classes, settings, own, bar.advance)
                model.members.append(net)
                unseen[fold] = model._values(net.outputs(inputs, fold))
        return model, Predicted(unseen, model._predicted(inputs, len(y)).spread)

    def predict(self, mols: list[Chem.Mol]) -> Predicted:
        columns = features(mols)[:, BITS:].astype(np.float64)
        return self._predicted(self._inputs([_graph(mol) for mol in mols], columns), len(mols))

    def attributions(self, mol: Chem.Mol) -> np.ndarray:
        """With an unknown atom in the place of each in turn, in the graph as in the property columns."""
        graph, columns = _graph(mol), without_each_atom(mol)[:, BITS:].astype(np.float64)
        hidden = [Graph([*graph.atoms[:i], AtomSymbol(0), *graph.atoms[i + 1 :]], graph.bonds) for i in _rank(mol)]
        value = self._predicted(self._inputs([graph, *hidden], columns), len(columns)).mean
        return value[0] - value[1:]

    def _inputs(self, graphs: list[Graph], columns: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of each molecule: ids of its atoms, its bonds, its standardised property columns."""
        scaled = ((columns - self.scales[0, :-1]) / self.scales[1, :-1]).clip(-10, 10).astype(np.float32)
        ids = [np.array([self._ids.get(atom, UNKNOWN) for atom in graph.atoms], np.int64) for graph in graphs]
        bonds = [graph.bonds.astype(np.int64) for graph in graphs]
        return list(zip(ids, bonds, scaled, strict=True))

    def _predicted(self, inputs: list[tuple[np.ndarray, np.ndarray, np.ndarray]], count: int) -> Predicted:
        each = np.stack([self._values(net.outputs(inputs, np.arange(count))) for net in self.members])
        return Predicted(each.mean(axis=0), each.std(axis=0))

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        mean, spread = self.scales[:, -1]
        return 1 / (1 + np.exp(-outputs)) if self.classes else mean + spread * outputs

    def arrays(self) -> Arrays:
        found: Arrays = {
            "types": np.array([[int(getattr(atom, name)) for name in FIELDS] for atom in self.types], np.int64),
            "scales": self.scales,
            "classes": np.array([self.classes]),
        }
        for number, net in enumerate(self.members):
            found |= {f"{number}.{name}": values for name, values in net.arrays().items()}
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        from molgen.predictor.message_passing import Net

        rows = [dict(zip(FIELDS, row, strict=True)) for row in arrays["types"].tolist()]
        types = [AtomSymbol(**(row | {"aromatic": bool(row["aromatic"])})) for row in rows]
        members: dict[str, dict[str, np.ndarray]] = {}
        for name, values in arrays.items():
            number, dot, part = name.partition(".")
            if dot:
                members.setdefault(number, {})[part] = values
        nets = [Net.of_arrays(members[str(i)]) for i in range(len(members))]
        return cls(types, arrays["scales"], bool(arrays["classes"][0]), nets)


def joined(inputs: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> GraphArrays:
    """The graphs of some molecules laid end to end."""
    counts = np.array([len(atoms) for atoms, _, _ in inputs])
    bonds = np.concatenate([bonds for _, bonds, _ in inputs])
    bond_counts = np.array([len(own) for _, own, _ in inputs])
    bonds = bonds + np.repeat(np.cumsum(counts) - counts, bond_counts)[:, None] * np.array([1, 1, 0])
    return GraphArrays(np.concatenate([atoms for atoms, _, _ in inputs]), bonds, counts, bond_counts)


def _graph(mol: Chem.Mol) -> Graph:
    """The graph, with the atoms in the order of the molecule's own SMILES; empty where there is none."""
    return graph_of(Chem.MolToSmiles(mol)) or Graph([AtomSymbol(0)], np.zeros((0, 3), np.uint8))


def _rank(mol: Chem.Mol) -> list[int]:
    """The place in the SMILES of each atom of the molecule."""
    Chem.MolToSmiles(mol)
    order = list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    return [order.index(i) for i in range(mol.GetNumAtoms())]
