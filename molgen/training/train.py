"""`train`: a family and a feature store to a model folder."""

from __future__ import annotations

import logging
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from molgen.core.artifacts import Identity, already_made, building, remove
from molgen.core.errors import SettingsError
from molgen.core.machine import keep_freed_memory, precision_for
from molgen.data.store import Store
from molgen.generators import family
from molgen.generators.adapters import write_adapter
from molgen.generators.base import NeuralGenerator, pick_device
from molgen.generators.counted import CountedGenerator
from molgen.nn.compiled import compile_parts
from molgen.training.checkpoint import precision_of
from molgen.training.fit import fit
from molgen.training.loop import CHECKPOINT, METRICS, Loop, learnt, write_metrics
from molgen.training.settings import RunSettings
from molgen.training.start import Beginning, say_left_out


def train(
    name: str,
    features: Path,
    out: Path,
    settings: RunSettings,
    *,
    devices: int = 1,
    nodes: int = 1,
    strategy: str = "auto",
    accelerator: str = "auto",
    max_minutes: float | None = None,
    state: Path | None = None,
    compiled: bool = False,
) -> dict[str, Any]:
    """Trains a family and writes its model folder; returns the last lines of its metrics (`_last`).

    What is done so far lies in a hidden folder beside `out`, or in `state`, keyed by the identity; the same call goes
    on from there.
    Past `max_minutes`, or at SIGTERM or SIGUSR1, it raises Stopped with a checkpoint; at ctrl-C KeyboardInterrupt. With
    several devices, all but the first process return an empty mapping. `compiled` networks (`torch.compile`) learn the
    same, to rounding. Families that count do so by themselves (`training.fit`).
    """
    deadline = time.monotonic() + 60 * max_minutes if max_minutes is not None else None
    kind = family(name)
    if issubclass(kind, CountedGenerator):
        fit(kind, features, out, settings, deadline=deadline, state=state)
        return _last(out, settings)
    beginning = Beginning.of(kind, settings)
    values = {"family": name, "model": beginning.config.values(), "training": settings.training.values()}
    if settings.adapter is not None:
        values |= {"adapter": settings.adapter.values()}
    if settings.vocabulary == "store":
        values |= {"vocabulary": "store"}
    store = Store.open(features)
    identity = Identity.of("train", values, {"features": features}, settings.training.seed)
    identity = replace(identity, inputs={**identity.inputs, **beginning.inputs()})
    work = (state or out.parent) / f".{out.name}.{identity.key}.work"
    if already_made(out, identity):
        remove(work)  # left by a kill in the moment between
        return _last(out, settings)
    keep_freed_memory()
    precision = _precision(settings.training.precision, work, accelerator)
    fabric = _fabric(precision, work, accelerator, devices, nodes, strategy)
    model, store = beginning.model(store)
    if compiled:
        compile_parts(model.to(fabric.device), kind.compiles)
    if fabric.is_global_zero:
        say_left_out(store, model)
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.glob(".*.part"):
            remove(leftover)
    loop = Loop(fabric, model, store, settings.training, work, validate_first=settings.start is not None)
    loop.run(deadline)
    if fabric.is_global_zero:
        fabric.logger.finalize("success")
        with building(out, identity, precision=precision) as folder:
            _write(folder, model, loop, beginning, out)
            shutil.copytree(work / "tensorboard", folder / "tensorboard")
        remove(work)
    fabric.barrier()
    return _last(out, settings) if fabric.is_global_zero else {}


def _precision(asked: str, work: Path, accelerator: str) -> str:
    """What the network is to compute in; a run that goes on keeps what it began with, on whatever machine."""
    devices = {"gpu": "cuda", "auto": pick_device().type}
    return precision_of(work / CHECKPOINT) or precision_for(asked, devices.get(accelerator, accelerator))


def _fabric(precision: str, work: Path, accelerator: str, devices: int, nodes: int, strategy: str) -> Fabric:
    from lightning_fabric.loggers import TensorBoardLogger
    from lightning_fabric.plugins.environments import LightningEnvironment

    if devices < 1 or nodes < 1:
        raise SettingsError(f"--devices {devices}, --nodes {nodes}: at least 1 of each is needed")
    mixed: Any = {"bf16": "bf16-mixed", "fp32": "32-true"}[precision]
    if accelerator == "auto" and not torch.accelerator.is_available():
        accelerator = "cpu"
    # In a Slurm job of one task and several GPUs, Fabric assumes that srun started a process for each, and trains on
    # one of them. So this process starts the others itself.
    starts_others = nodes == 1 and os.environ.get("SLURM_NTASKS", "1") == "1"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # not what precision it was asked for
    logger = TensorBoardLogger(root_dir=work, name="tensorboard", version="")
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=mixed,
            loggers=logger,
            plugins=[LightningEnvironment()] if starts_others else None,
        )
    except (ValueError, RuntimeError) as error:
        wish = f"--accelerator {accelerator}, --devices {devices}, --strategy {strategy}"
        raise SettingsError(f"{wish}: not to be had here ({str(error).splitlines()[0]})") from None
    fabric.launch()
    return fabric


def _write(folder: Path, model: NeuralGenerator, loop: Loop, beginning: Beginning, out: Path) -> None:
    """The final model folder, or adapter folder, that will stand at `out`."""
    folder.mkdir()
    settings, weights = beginning.settings, loop.weights()
    with torch.no_grad():
        for name, parameter in learnt(model).items():
            parameter.copy_(weights[name])
    write_metrics(folder / METRICS, loop.rows)
    if settings.adapter is not None:
        write_adapter(folder, model, beginning.base(out), settings.adapter.values())
        return
    if settings.training.save_precision == "bf16":
        model.bfloat16()
    model.save(folder)


def _last(out: Path, settings: RunSettings) -> dict[str, Any]:
    """The last line of metrics for each split; and, as `kept`, that of the weights that were kept, if it is an earlier
    one of `valid`."""
    import csv

    with (out / METRICS).open() as stream:
        rows = list(csv.DictReader(stream))
    last = {row["split"]: row for row in rows}
    judged = [row for row in rows if row["split"] == "valid" and row["loss"]]
    kept = min(judged, key=lambda row: float(row["loss"]), default=None)
    if kept is None or kept is judged[-1] or settings.training.keep == "last":
        return last
    return {**last, "kept": kept}
