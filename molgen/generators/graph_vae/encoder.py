"""The encoder: mean and log-variance of the latent from a molecule's atoms and bonds."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from molgen.generators.graph_vae.settings import GraphVAEConfig
from molgen.nn.graph_encoder import Atoms, GraphEncoder

SHARPEST = -8.0  # log-variance; smaller ones would only cost precision


class Encoder(GraphEncoder):
    """Molecules to the Gaussian posterior of their latent vectors."""

    def __init__(self, config: GraphVAEConfig, atom_types: int) -> None:
        super().__init__(atom_types, config.encoder_width, config.encoder_layers, config.backend)
        self.out = nn.Linear(4 * config.encoder_width, 2 * config.latent)

    def forward(self, batch: Atoms) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance, float32 or better."""
        both = self.out(self.pooled(batch))
        mean, log_variance = both.to(torch.promote_types(both.dtype, torch.float32)).chunk(2, -1)
        return mean, log_variance.clamp(min=SHARPEST, max=2.0)
