"""`torch.compile` as an option: the same network with its small operations melted into fewer kernels."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor, nn


def compile_parts(model: nn.Module, names: Iterable[str]) -> bool:
    """Compiles the forward pass of some parts of a model, in place; False, and a line on stderr, where it cannot be.

    Weights and their names stay, results change by rounding at most. Sizes of batches and graphs are left open, so that
    not each of them is compiled anew.
    """
    parts = [model.get_submodule(name) for name in names]
    reason = lacking(next(model.parameters()).device.type) if parts else "this family has no part that gains by it"
    if reason is not None:
        print(f"compile: goes on without ({reason})", file=sys.stderr)
        return False
    for part in parts:
        part.compile(dynamic=True)
    return True


@lru_cache
def lacking(device: str) -> str | None:
    """Why nothing can be compiled for a device (a compiler, its headers); None if it can. A line of code is tried."""
    try:
        torch.compile(_line)(torch.zeros(2, device=device))
    except (RuntimeError, OSError, ImportError) as error:
        return str(error).strip().splitlines()[0]
    return None


def _line(x: Tensor) -> Tensor:
    return x.relu() + 1
