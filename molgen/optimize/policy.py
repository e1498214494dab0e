"""A SMILES model that is taught, call by call, to write better molecules.

The loss is REINVENT's augmented likelihood (Olivecrona et al. 2017, eq. 1): the squared difference between the
log-probability of a text and that of the prior plus sigma times its value. On demand replayed molecules are shown in
random spellings (augmented memory; Guo and Schwaller 2024). Models here know these as a distribution of their own,
beside the canonical one that is drawn from, so that what is learnt of the one reaches the other only in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from molgen.chem.spellings import random_spelling
from molgen.core import seeds
from molgen.core.errors import InputError
from molgen.generators.folder import load_model, model_folder, read_config, write_tensors
from molgen.generators.smiles import SmilesModel
from molgen.optimize.policy_settings import PolicySettings


class Policy:
    """The policy and the prior that it must not forget: both begin as the same trained model."""

    def __init__(self, model: str, settings: PolicySettings, seed: int) -> None:
        folder = model_folder(model)
        family = read_config(folder)["family"]
        if family != SmilesModel.name:
            raise InputError(f"{model}: a {family!r} model; a policy must be of the family {SmilesModel.name!r}")
        self.settings, self._seed = settings, seed
        self.prior, self.model = (self._loaded(model) for _ in range(2))
        self.prior.requires_grad_(False)
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99))
        self.random = self.model.random is not None  # whether it knows random spellings
        self.draws, self.steps = 0, 0

    @staticmethod
    def _loaded(model: str) -> SmilesModel:
        found = load_model(model, device="auto")
        assert isinstance(found, SmilesModel)
        return found

    def draw(self, count: int) -> list[str]:
        """The valid ones of the next `count` draws, canonical, each once."""
        found = self.model.sample(count, seed=seeds.child(self._seed, "policy"), first=self.draws).smiles
        self.draws += count
        return list(dict.fromkeys(smiles for smiles in found if smiles is not None))

    def learn(self, smiles: Sequence[str], values: Sequence[float] | np.ndarray) -> None:
        """One step towards molecules as they are written canonically: fresh draws."""
        self._step(list(smiles), np.asarray(values, np.float64), "canonical")

    def replay(self, smiles: Sequence[str], values: Sequence[float] | np.ndarray) -> None:
        """One step towards molecules, in other spellings where that is asked for and the model knows these."""
        if not (self.random and self.settings.augmented):
            return self.learn(smiles, values)
        seed = seeds.child(self._seed, "spelling", self.steps)
        texts = [random_spelling(text, seeds.child(seed, place)) for place, text in enumerate(smiles)]
        return self._step(texts, np.asarray(values, np.float64), "random")

    def _step(self, texts: list[str], values: np.ndarray, spelling: str) -> None:
        self.steps += 1
        if not texts:
            return
        with torch.no_grad():
            prior = self.prior.log_prob(texts, spelling=spelling)
        known = torch.isfinite(prior)  # off the vocabulary, or too long
        if not known.any():
            return
        kept = [text for text, there in zip(texts, known.tolist(), strict=True) if there]
        target = prior[known] + self.settings.sigma * torch.from_numpy(values).to(prior)[known]
        loss = (target - self.model.log_prob(kept, spelling=spelling)).square().mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.sigma)
        self._optimizer.step()

    def save(self, file: Path) -> None:
        """Writes weights, the optimizer's state and the counts as one safetensors file."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        write_tensors(file, tensors, {"draws": str(self.draws), "steps": str(self.steps)})

    def load(self, file: Path) -> None:
        """Goes on from what `save` wrote."""
        from safetensors import safe_open

        with safe_open(file, "pt") as stored:
            counts = stored.metadata()
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (no mapping)
        self.draws, self.steps = int(counts["draws"]), int(counts["steps"])
        self.model.load_state_dict({k[len("model.") :]: v for k, v in tensors.items() if k.startswith("model.")})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            if part == "optimizer":
                number, _, key = rest.partition(".")
                state.setdefault(int(number), {})[key] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
