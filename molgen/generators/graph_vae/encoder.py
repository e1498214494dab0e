"""The encoder: message passing over atoms and bonds, gated sums over the atoms, mean and log-variance of the latent."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.generators.graph_vae.batch import Atoms
from molgen.generators.graph_vae.settings import GraphVAEConfig
from molgen.nn.message_passing import GINE, chosen
from molgen.nn.transformer import norm

SHARPEST = -8.0  # log-variance; smaller ones would only cost precision


class Encoder(nn.Module):
    """Molecules to the Gaussian posterior of their latent vectors."""

    def __init__(self, config: GraphVAEConfig, atom_types: int) -> None:
        super().__init__()
        width = config.encoder_width
        self.gine = GINE(atom_types, 4, width, config.encoder_layers, chosen(config.backend))
        self.values = nn.Linear(width, 4 * width)
        self.gates = nn.Linear(width, 4 * width)
        self.mix = nn.Linear(4 * width, 4 * width)
        self.out = nn.Linear(4 * width, 2 * config.latent)

    def forward(self, batch: Atoms) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance, float32 or better."""
        x = norm(self.gine(batch.atoms, batch.edges, batch.bonds))
        gated = self.values(x) * torch.sigmoid(self.gates(x))
        pooled = gated.new_zeros(batch.molecules, gated.shape[1]).index_add_(0, batch.molecule, gated)
        hidden = norm(pooled) + F.silu(self.mix(norm(pooled)))
        both = self.out(hidden)
        mean, log_variance = both.to(torch.promote_types(both.dtype, torch.float32)).chunk(2, -1)
        return mean, log_variance.clamp(min=SHARPEST, max=2.0)
