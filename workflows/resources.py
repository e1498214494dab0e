"""What rules ask a batch system for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ATTEMPTS = 3  # after so many, a job asks for no more than before
OF_A_GPU = {"gpu_model", "slurm_partition"}


def grows(amount: int) -> Callable[..., int]:
    """A resource of a rule: `amount`, twice that at the second attempt, three times from the third on."""

    def asked(wildcards: Any, attempt: int) -> int:
        return amount * min(attempt, ATTEMPTS)

    return asked


def without_gpus(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile sets for each rule (`set-resources`), without the GPU model and the partition that has it."""
    return {
        rule: type(given)({key: v for key, v in given.items() if "gpu_model" not in given or key not in OF_A_GPU})
        for rule, given in wishes.items()
    }
