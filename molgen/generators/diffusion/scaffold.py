"""Inpainting: a given part of the molecule stays, the rest is drawn around it (RePaint: Lugmayr et al. 2022)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from rdkit import Chem

from molgen.chem.attachments import Part, holds, read_parts
from molgen.chem.parse import BadMolecule, canonical, parse
from molgen.core.errors import SettingsError
from molgen.generators.diffusion.dense import Graphs, pairs_of, square
from molgen.generators.diffusion.level import Level

FREE = -1  # a variable that is drawn


class Scaffold(NamedTuple):
    """A part that is kept: its graph, which of its nodes may be joined to others, and to how many at least."""

    part: Part
    graph: Graphs  # a batch of one
    grows: np.ndarray  # (nodes,) bool
    beside: int

    @classmethod
    def of(cls, smiles: str, level: Level) -> Scaffold:
        """With `[*]` it is substituted at each of them and nowhere else; without (level `atom`), at any atom.

        A SettingsError if a model of this level cannot hold it.
        """
        graph, points, beside = level.part(canonical(smiles))
        part = read_part(smiles)
        Chem.RemoveStereochemistry(part.mol)  # no level holds it, so no draw could be found to have it
        return cls(part, graph, points if points.any() else ~points, beside)

    def fixed(self, n: int) -> Graphs:
        """The classes of graphs of n nodes that are kept, as a batch of one; FREE for the others."""
        m = self.graph.size
        nodes = torch.full((1, n), FREE)
        nodes[:, :m] = self.graph.nodes
        matrix = torch.full((1, n, n), FREE)
        matrix[:, :m, m:] = torch.where(torch.from_numpy(self.grows), FREE, 0)[:, None]
        matrix[:, :m, :m] = square(self.graph)
        return Graphs(nodes, pairs_of(matrix))

    def fits(self, counts: list[int]) -> list[int]:
        """The counts of graph sizes, without those that have no room beside the part."""
        least = self.graph.size + self.beside
        left = [0 if n < least else count for n, count in enumerate(counts)]
        if not any(left):
            raise SettingsError(
                f"scaffold: {self.graph.size} nodes and {self.beside} beside them, this model's largest molecule has "
                f"{len(counts) - 1}"
            )
        return left

    def check(self, smiles: str) -> None:
        """BadMolecule unless the molecule holds the part."""
        mol = parse(smiles)
        if not (holds(mol, self.part) if self.part.points else mol.HasSubstructMatch(self.part.mol)):
            raise BadMolecule("scaffold", "not substituted as asked")


def read_part(smiles: str) -> Part:
    """The part that a scaffold's SMILES describes; a ValueError that says why it describes none."""
    try:
        parts = read_parts(smiles)
        if len(parts) != 1:
            raise ValueError("give one connected part")
    except BadMolecule as error:
        raise ValueError(f"not a part of a molecule ({error})") from None
    return parts[0]
