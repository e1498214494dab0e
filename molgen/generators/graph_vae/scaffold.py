"""A scaffold as the start state: its own actions are forced, the sites at its attachment points are left to the model.

The scaffold is cut like a molecule, except that its points are sites: they fix which symbols it is made of, so nothing
grows anywhere else. Without marked points each draw is given one, at an atom that has a hydrogen to give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdkit import Chem

from molgen.chem.attachments import Part, growths, holds, read_parts
from molgen.chem.parse import BadMolecule
from molgen.core.errors import InputError
from molgen.represent.derivations import FIRST_JOIN, Build, Grammar
from molgen.represent.fragments import POINT, Fragmenter, FragmentGraph
from molgen.represent.graphs import graph_of

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE


class Scaffold:
    """A part of a molecule as forced actions: for each node and site where it leads."""

    def __init__(self, part: Part, grammar: Grammar, graph: FragmentGraph) -> None:
        self.part, self.grammar = part, grammar
        inside = [i for i, text in enumerate(graph.symbols) if text != POINT]
        unknown = [graph.symbols[i] for i in inside if graph.symbols[i] not in grammar.ids]
        if unknown:
            raise BadMolecule("unknown atom", f"{unknown[0]}: the training set never had it")
        self.symbols = {i: grammar.ids[graph.symbols[i]] for i in inside}
        self.leads: dict[tuple[int, int], tuple[int, int]] = {}
        for u, i, v, j in graph.edges:
            self.leads[u, i] = (v, j)
            self.leads[v, j] = (u, i)
        self.root = max(inside, key=lambda i: (self.symbols[i], -i))
        self.points = len(graph.symbols) - len(inside)
        self.atoms = sum(len(grammar.symbols[s].atoms) for s in self.symbols.values())
        inner = sum(u in self.symbols and v in self.symbols for u, _, v, _ in graph.edges)
        self.actions = inner + 1


class Plan:
    """A molecule under construction around a scaffold: what is forced next, and what that leaves to the rest."""

    def __init__(self, scaffold: Scaffold, build: Build) -> None:
        self.scaffold, self.build = scaffold, build
        self.open: list[tuple[int, int] | None] = []  # for each open site of `build`: the scaffold's node and site
        self.placed: set[int] = set()
        self.atoms, self.actions, self.points = scaffold.atoms, scaffold.actions, scaffold.points  # still to come

    def forced(self) -> int | None:
        """The action that the scaffold wants now; None where the model is free."""
        target = self._target()
        if target is None:
            return None
        node, entry = target
        if node in self.placed:
            depth = self.build.joinable().index(self.open.index(target))
            if depth >= self.scaffold.grammar.joins:
                raise BadMolecule("ring too deep", f"needs join {depth + 1}")
            return FIRST_JOIN + depth
        return self._arranged(node, entry)[0]

    def apply(self, action: int) -> None:
        """One more action, forced or free."""
        target = self._target()
        before = len(self.build.stack)
        if action < FIRST_JOIN + self.scaffold.grammar.joins:
            partner = self.build.joinable()[action - FIRST_JOIN]
            self.build.apply(action)
            self.open.pop()
            self.open.pop(partner)
            self.actions -= target is not None
            return
        order = self._arranged(*target)[1] if target is not None else []
        self.build.apply(action)
        if before:
            self.open.pop()
        if target is None:
            self.open += [None] * (len(self.build.stack) - len(self.open))
            return
        node = target[0]
        self.open += [(node, site) for site in reversed(order)]
        self.placed.add(node)
        self.atoms -= len(self.scaffold.grammar.symbols[self.scaffold.symbols[node]].atoms)
        self.actions -= 1
        self.points -= sum(self._is_point(node, site) for site in order)

    def reserved(self) -> tuple[int, int]:
        """Atoms and actions that the scaffold still needs, beyond one for each open site."""
        planned = sum(site is not None and not self._is_point(*site) for site in self.open)
        return self.atoms + self.points - planned, self.actions + self.points - planned

    def may_join(self) -> list[bool]:
        """For each site that could be joined now, whether it is not one of the scaffold's own."""
        return [self.open[place] is None for place in self.build.joinable()]

    def _target(self) -> tuple[int, int] | None:
        """The scaffold's node and site that the open site on top leads to."""
        if not self.build.actions:
            return self.scaffold.root, -1
        site = self.open[-1]
        if site is None or self._is_point(*site):
            return None
        return self.scaffold.leads[site]

    def _is_point(self, node: int, site: int) -> bool:
        return self.scaffold.leads[node, site][0] not in self.scaffold.symbols

    def _arranged(self, node: int, entry: int) -> tuple[int, list[int]]:
        number = self.scaffold.symbols[node]
        sites = range(len(self.scaffold.grammar.symbols[number].sites))
        keys = [self.scaffold.leads[node, site][0] for site in sites]
        return self.scaffold.grammar.arrange(number, entry, keys)


def scaffolds(model: GraphVAE, smiles: str) -> list[Scaffold]:
    """What draws choose from: the scaffold as marked, or marked at one atom for each that has a hydrogen.

    InputError if it does not parse or this model cannot build it.
    """
    try:
        parts = read_parts(smiles)
        if len(parts) != 1:
            raise BadMolecule("several fragments", "one part is expected")
        choices = parts if parts[0].points else growths(parts[0])
        if not choices:
            raise BadMolecule("no room", "no atom has a hydrogen to give")
        fragmenter = model.fragmenter()
        found = [Scaffold(part, model.grammar, _cut(fragmenter, part)) for part in choices]
        for choice in found:
            _check_size(model, choice)
            Plan(choice, Build(model.grammar)).forced()
    except BadMolecule as error:
        raise InputError(f"scaffold {smiles!r}: {error}; this model cannot build it") from None
    return found


def contains(smiles: str, scaffold: Scaffold) -> bool:
    """Whether a drawn molecule holds the scaffold, judged by substructure and without stereo, which the model lacks."""
    part = Chem.Mol(scaffold.part.mol)
    Chem.RemoveStereochemistry(part)
    return holds(Chem.MolFromSmiles(smiles), Part(part))


def _cut(fragmenter: Fragmenter, part: Part) -> FragmentGraph:
    mol = Chem.Mol(part.mol)
    Chem.RemoveStereochemistry(mol)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return fragmenter.of_graph(graph_of(Chem.MolToSmiles(mol)), points=True)


def _check_size(model: GraphVAE, scaffold: Scaffold) -> None:
    atoms, actions = scaffold.atoms + scaffold.points, scaffold.actions + scaffold.points
    if atoms > model.most_atoms or actions > model.longest:
        raise BadMolecule("too large", f"{atoms} atoms with one at each point, this model writes {model.most_atoms}")
