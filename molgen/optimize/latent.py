"""`latent`: Bayesian optimisation over what a graph VAE decodes around the best molecules so far.

Candidates are the molecules of latent vectors near a good one, or on the way between two; of these a Gaussian process
over the decoded molecules, not over the vectors, says which are worth a call. A process over vectors sees many that
decode to the same molecule, and none of what the decoder adds (Tripp et al. 2020; Maus et al. 2022, LOL-BO, who join
both spaces for that reason).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.core.settings import Settings
from molgen.optimize.picking import Picking, PickingSettings
from molgen.optimize.strategy import Context


class LatentSettings(PickingSettings):
    """Where candidates are looked for."""

    crossed: Annotated[float, Field(ge=0, le=1)] = 0.5  # share that lies between two parents, not around one
    radius: Annotated[float, Field(gt=0, le=10)] = 0.5  # of the normal noise on each latent; the prior's deviation is 1
    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0  # of the decoder; 0: its likeliest molecule


class Latent(Picking):
    """The strategy. Molecules that the model has no atoms for are told, and never parents."""

    Settings: ClassVar[type[Settings]] = LatentSettings
    model: ClassVar[str] = "graph-vae-zinc"
    settings: LatentSettings

    def __init__(self, settings: LatentSettings, context: Context) -> None:
        super().__init__(settings, context)
        from molgen.latent import load  # torch

        self.vae = load(context.model)

    def candidates(self, parents: Sequence[str], generator: np.random.Generator) -> list[str]:
        """Molecules decoded around the parents' vectors and between them."""
        import torch

        from molgen.generators.graph_vae.latent import decoded, posterior

        texts = list(dict.fromkeys(parents))
        means, _, reasons = posterior(self.vae, texts, own=True)
        places = {text: i for i, (text, why) in enumerate(zip(texts, reasons, strict=True)) if why is None}
        able = [places[text] for text in parents if text in places]
        count = min(self.settings.children, len(able) // 2)
        if not count:
            return []
        one, other = means[able[:count]], means[able[-count:]]
        way = generator.random((count, 1)) * (generator.random((count, 1)) < self.settings.crossed)
        noise = self.settings.radius * generator.standard_normal(one.shape)
        vectors = one + torch.from_numpy(way).to(one) * (other - one) + torch.from_numpy(noise).to(one)
        chances = generator.random((count, self.vae.longest))
        found = decoded(self.vae, vectors, chances, self.settings.temperature)
        return [text for text in found.smiles if text is not None]
