"""A writer whose texts and likelihoods are known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from molgen.represent.tokens import tokenize


class Scripted:
    """Writes one of `rests` behind each prompt, picked by seed and number; all `rests` are about as frequent."""

    def __init__(
        self, rests: Sequence[str | None], nats: Callable[[str, int], float] = lambda text, given: 0.0
    ) -> None:
        self.rests, self.nats = rests, nats
        self.prompts: list[list[str]] = []
        self.unknown: set[str] = set()

    def draw_texts(
        self,
        draws: np.ndarray,
        seed: int,
        how: Any = None,
        *,
        prompts: Sequence[str] | None = None,
        behind: Callable[[str], bool] | None = None,
    ) -> list[str | None]:
        assert prompts is not None
        self.prompts.append(list(prompts))
        picks = [int(np.random.default_rng([seed % 2**32, number]).integers(len(self.rests))) for number in draws]
        rests = [self.rests[i] for i in picks]
        return [None if rest is None else prompt + rest for prompt, rest in zip(prompts, rests, strict=True)]

    def log_prob(
        self,
        smiles: Sequence[str],
        *,
        spelling: str = "canonical",
        condition: Mapping[str, float] | None = None,
        given: Sequence[int] | None = None,
    ) -> torch.Tensor:
        assert spelling == "random"
        assert given is not None
        return torch.tensor([self.nats(text, count) for text, count in zip(smiles, given, strict=True)])

    def refusal(self, text: str) -> str | None:
        return next((f"not {token}" for token in tokenize(text) if token in self.unknown), None)
