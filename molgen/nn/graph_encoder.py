"""Molecules to vectors: message passing over atoms and bonds, then gated sums over the atoms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.nn.message_passing import GINE, Backend, chosen
from molgen.nn.transformer import norm
from molgen.represent.graphs import BONDS, GraphArrays, directed_edges


class Atoms(NamedTuple):
    """Molecules laid end to end."""

    atoms: Tensor  # (atoms,) ids of the model's atom types
    edges: Tensor  # (2, edges) each bond in both directions
    bonds: Tensor  # (edges,) bond types
    molecule: Tensor  # (atoms,) number of the atom's molecule
    molecules: int

    @classmethod
    def of(cls, graphs: GraphArrays) -> Atoms:
        """From the arrays of a feature store."""
        source, target, kinds = directed_edges(graphs)
        molecule = np.repeat(np.arange(len(graphs.atom_counts)), graphs.atom_counts)
        atoms = torch.from_numpy(graphs.atoms)
        return cls(atoms, torch.stack([source, target]), kinds, torch.from_numpy(molecule), len(graphs.atom_counts))

    def to(self, device: torch.device) -> Atoms:
        """On another device."""
        atoms, edges, bonds, molecule = (tensor.to(device) for tensor in self[:4])
        return Atoms(atoms, edges, bonds, molecule, self.molecules)


class GraphEncoder(nn.Module):
    """A vector of four widths for each molecule."""

    def __init__(self, atom_types: int, width: int, layers: int, backend: Backend = "auto") -> None:
        super().__init__()
        self.gine = GINE(atom_types, len(BONDS), width, layers, chosen(backend))
        self.values = nn.Linear(width, 4 * width)
        self.gates = nn.Linear(width, 4 * width)
        self.mix = nn.Linear(4 * width, 4 * width)

    def pooled(self, batch: Atoms) -> Float[Tensor, "batch four_widths"]:
        """What the atoms' states add up to."""
        x = norm(self.gine(batch.atoms, batch.edges, batch.bonds))
        gated = self.values(x) * torch.sigmoid(self.gates(x))
        pooled = gated.new_zeros(batch.molecules, gated.shape[1]).index_add_(0, batch.molecule, gated)
        return norm(pooled) + F.silu(self.mix(norm(pooled)))
