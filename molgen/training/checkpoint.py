"""A checkpoint: one safetensors file with weights, averages, optimizer and place in the run. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from molgen.core.artifacts import whole_file
from molgen.core.errors import ArtifactError
from molgen.generators.folder import write_tensors


class Place(NamedTuple):
    """Where a run stands."""

    step: int  # optimizer steps taken
    epoch: int
    batch: int  # batches taken of this epoch
    molecules: int  # seen so far
    best: float  # lowest validation loss so far
    waited: int  # validations since then
    loss: float  # summed since the last line of metrics,
    weight: float  # with its divisor


def save(
    path: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    best: dict[str, Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
    place: Place,
    rows: list[dict[str, Any]],
    parts: Mapping[str, float],
    precision: str,
) -> None:
    """Writes a checkpoint whole or not at all.

    `rows` are the lines of metrics.csv so far, `parts` the sums of the loss's parts since the last of them, `precision`
    is what the network computes in.
    """
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()} | {f"best.{k}": v for k, v in best.items()}
    for number, optimizer in enumerate(optimizers):
        for i, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{i}.{k}": torch.as_tensor(v) for k, v in values.items()}
    with whole_file(path) as aside:
        values = {"place": place._asdict(), "rows": rows, "parts": dict(parts), "precision": precision}
        metadata = {name: json.dumps(value) for name, value in values.items()}
        write_tensors(aside, {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, metadata)


def restore(
    path: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    best: dict[str, Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
) -> tuple[Place, list[dict[str, Any]], dict[str, float]]:
    """Fills network, averages and optimizers from a checkpoint; returns the place, the lines of metrics.csv and the
    sums of the loss's parts since the last of them.
    """
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        metadata = file.metadata()
    network.load_state_dict(_part(tensors, "network."))
    for target, prefix in ((average, "average."), (best, "best.")):
        for name, tensor in _part(tensors, prefix).items():
            target[name] = tensor.to(next(network.parameters()).device)
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, f"optimizer.{number}.").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return Place(**json.loads(metadata["place"])), json.loads(metadata["rows"]), json.loads(metadata["parts"])


def precision_of(path: Path) -> str | None:
    """What the run of a checkpoint computes in; None if there is no checkpoint yet."""
    if not path.is_file():
        return None
    with _opened(path) as file:
        return str(json.loads(file.metadata()["precision"]))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path}: checkpoint cannot be read ({error}); remove it to start anew") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
