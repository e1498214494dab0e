"""Every random number of molgen comes from here: one seed, and a named path for each use of it.

A work item gets its own child seed before work is spread, so that no result depends on the number of
workers or on what else was drawn before it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def child(seed: int, *path: int | str) -> int:
    """The seed, in [0, 2^63), of one named use: `child(0, "sample", 17)`. The same on every platform."""
    text = "/".join([str(seed), *map(str, path)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, *path: int | str) -> np.random.Generator:
    """A NumPy generator for one named use."""
    return np.random.Generator(np.random.Philox(key=child(seed, *path)))


def torch_generator(seed: int, *path: int | str, device: str = "cpu") -> torch.Generator:
    """A torch generator for one named use."""
    import torch

    return torch.Generator(device=device).manual_seed(child(seed, *path))


def uniforms(seed: int, draws: np.ndarray, length: int) -> np.ndarray:
    """Uniform numbers in [0, 1) for each draw, float64, shape (len(draws), length).

    Row i depends on `seed` and `draws[i]` alone: a draw is the same in whichever batch it is made, and a longer
    row begins with the shorter one.
    """
    rows = [np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, int(d)])).random(length) for d in draws]
    return np.stack(rows) if rows else np.empty((0, length))
