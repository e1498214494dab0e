"""One network of the ensemble `network`: the graph VAE's encoder over atoms and bonds, property columns beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.nn.graph_encoder import Atoms, GraphEncoder
from molgen.predictor.network import BATCH, HIDDEN, UNKNOWN, joined
from molgen.predictor.settings import PredictorSettings

Inputs = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


class Net(nn.Module):
    """Vectors of molecules and their property columns to one number."""

    def __init__(self, atom_types: int, columns: int, width: int, layers: int) -> None:
        super().__init__()
        self.encoder = GraphEncoder(atom_types, width, layers)
        self.hidden = nn.Linear(4 * width + columns, 2 * width)
        self.out = nn.Linear(2 * width, 1)
        self.sizes = atom_types, columns, width, layers

    def forward(self, atoms: Atoms, columns: Tensor, dropout: float = 0.0) -> Tensor:
        """(batch,) standardised values, or logits."""
        x = torch.cat([self.encoder.pooled(atoms), columns], 1)
        x = F.silu(self.hidden(F.dropout(x, dropout, self.training)))
        return self.out(F.dropout(x, dropout, self.training)).squeeze(1)

    @classmethod
    def trained(
        cls,
        atom_types: int,
        inputs: Inputs,
        wanted: np.ndarray,
        rows: np.ndarray,
        classes: bool,
        settings: PredictorSettings,
        seed: int,
        told: Callable[[int], None],
    ) -> Self:
        """A network that has seen the molecules of `rows` for `settings.epochs`; `told` hears of each epoch."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed % 2**63)
            net = cls(atom_types, len(inputs[0][2]), settings.width, settings.layers)
            optimizer = torch.optim.AdamW(net.parameters(), lr=settings.rate, weight_decay=0.01)
            steps = settings.epochs * math.ceil(len(rows) / BATCH)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=steps, pct_start=0.1)
            net.train()
            for _ in range(settings.epochs):
                order = rows[torch.randperm(len(rows)).numpy()]
                for part in (order[i : i + BATCH] for i in range(0, len(order), BATCH)):
                    guess = net(*_batch(inputs, part, hide=HIDDEN), settings.dropout)
                    target = torch.from_numpy(wanted[part]).float()
                    loss = F.binary_cross_entropy_with_logits if classes else F.mse_loss
                    optimizer.zero_grad()
                    loss(guess, target).backward()
                    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                    optimizer.step()
                    schedule.step()
                told(1)
        return net.eval()

    @torch.inference_mode()
    def outputs(self, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
        """The numbers of some molecules, float64."""
        parts = [self(*_batch(inputs, rows[i : i + BATCH])) for i in range(0, len(rows), BATCH)]
        return torch.cat(parts).double().numpy() if parts else np.zeros(0)

    def arrays(self) -> dict[str, np.ndarray]:
        """Sizes and weights."""
        return {"sizes": np.array(self.sizes)} | {name: t.numpy() for name, t in self.state_dict().items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """The network that gave these."""
        net = cls(*arrays["sizes"].tolist())
        net.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in arrays.items() if name != "sizes"})
        return net.eval()


def _batch(inputs: Inputs, rows: np.ndarray, hide: float = 0.0) -> tuple[Atoms, Tensor]:
    some = [inputs[i] for i in rows]
    atoms = Atoms.of(joined(some))
    if hide:
        atoms.atoms[torch.rand(len(atoms.atoms)) < hide] = UNKNOWN
    return atoms, torch.from_numpy(np.stack([columns for _, _, columns in some]))
