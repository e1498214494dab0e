"""The loop: epochs of batches, averaged weights, validation, checkpoints, and an exact resume.

Everything random is seeded by the step it happens in, so a run that was stopped anywhere goes on as if it had not been:
the checkpoint holds no generator's state.
"""

from __future__ import annotations

import csv
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from molgen.core import seeds
from molgen.core.artifacts import whole_file
from molgen.core.errors import InputError, MachineError, Stopped
from molgen.core.progress import Progress
from molgen.data.store import Store
from molgen.generators.base import NeuralGenerator
from molgen.training import checkpoint
from molgen.training.calibration import Calibration
from molgen.training.checkpoint import Place
from molgen.training.muon import Muon
from molgen.training.settings import TrainingSettings

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.csv"
EPS = 1e-8  # of AdamW
VALIDATE_EVERY = 100_000  # molecules at most, where the settings leave it open
CHECKPOINT_SECONDS = float(os.environ.get("MOLGEN_CHECKPOINT_SECONDS", "120"))
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Loop:
    """A run of training in a work folder. `run` returns when the molecules are seen or patience is at an end."""

    def __init__(
        self,
        fabric: Fabric,
        model: NeuralGenerator,
        store: Store,
        settings: TrainingSettings,
        folder: Path,
        *,
        validate_first: bool = False,
    ) -> None:
        self.validate_first = validate_first  # where the start may be as good as what training makes of it
        self.fabric, self.store, self.settings, self.folder = fabric, store, settings, folder
        self.train_rows = model.usable(store, store.rows("train"))
        valid = model.usable(store, store.rows("valid"))
        order = seeds.numpy_generator(settings.seed, "validation").permutation(len(valid))
        self.valid_rows = valid[np.sort(order[: settings.validation_molecules])]
        if not len(self.train_rows):
            raise InputError(f"{store.folder}: no molecule in the train split that this model can learn from")
        if settings.patience and not len(valid):
            raise InputError(
                f"{store.folder}: training.patience = {settings.patience}, but the valid split has no molecule that "
                "this model can read; prepare with more, or leave patience at 0"
            )
        self.validate_every = settings.validate_every or min(len(self.train_rows), VALIDATE_EVERY)
        self.model = model
        self.calibration = Calibration(settings.calibration, store, model) if settings.calibration.draws else None
        self.dtype = _dtype(fabric)
        self.network, *self.optimizers = fabric.setup(model, *optimizers_of(model, settings, self.dtype))
        self.network.mark_forward_method("loss")
        self.average = {name: p.detach().clone() for name, p in learnt(model).items()}
        self.best: dict[str, Tensor] = {}
        self.place = Place(0, 0, 0, 0, math.inf, 0, 0.0, 0.0)
        self.rows: list[dict[str, Any]] = []
        self.parts: dict[str, float] = {}  # of the loss, summed since the last line of metrics
        self._stop_signal = 0

    def run(self, deadline: float | None) -> None:
        """Trains to the end, or raises Stopped after a checkpoint at a signal or past `deadline` (monotonic)."""
        if (self.folder / CHECKPOINT).is_file():
            self.place, self.rows, self.parts = checkpoint.restore(
                self.folder / CHECKPOINT, self.model, self.average, self.best, self._plain_optimizers()
            )
            if self.fabric.is_global_zero:
                print(f"train: goes on at {self.place.molecules:,} molecules", file=sys.stderr, flush=True)
        bar = Progress("train", self.settings.molecules, "molecules", done=self.place.molecules)
        self.network.train()
        if self.validate_first and not self.place.step:
            self._validate()
        saved = time.monotonic()
        with stop_signals(self._note_signal):
            for rows in self._batches():
                loss = self._step(rows)
                if self.fabric.is_global_zero:
                    bar.advance(len(rows), f"loss {loss:.4f}")
                if self._due(len(rows)):
                    self._validate()
                    if self._out_of_patience():
                        break
                now = time.monotonic()
                wish = bool(self._stop_signal) or (deadline is not None and now > deadline)
                stop, save = self._sum(wish, now - saved > CHECKPOINT_SECONDS)  # one device's wish is all devices'
                if stop or save:
                    self._save()
                    saved = now
                if stop and self._stop_signal == signal.SIGINT:
                    raise KeyboardInterrupt
                if stop:
                    raise Stopped(self._stop_message())
        if not self.rows or self.rows[-1]["molecules"] != self.place.molecules:
            self._validate()
        self._save()
        if self.fabric.is_global_zero:
            bar.finish()

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights: of the lowest validation loss; the last ones if so asked or where nothing validates."""
        return self.average if self.settings.keep == "last" else self.best or self.average

    def _batches(self) -> Iterator[np.ndarray]:
        """Rows of each batch from the present place on, until enough molecules are seen."""
        while self.place.molecules < self.settings.molecules and not self._out_of_patience():
            generator = seeds.numpy_generator(self.settings.seed, "epoch", self.place.epoch)
            order = self.train_rows[generator.permutation(len(self.train_rows))]
            batches = self.model.row_batches(self.store, order, self.settings.batch_size)
            for rows in batches[self.place.batch :]:
                yield rows[: self.settings.molecules - self.place.molecules]
                if self.place.molecules >= self.settings.molecules:
                    return
            self.place = self.place._replace(epoch=self.place.epoch + 1, batch=0)

    def _step(self, rows: np.ndarray) -> float:
        """One optimizer step on a batch that all devices share; returns the loss of this device's part."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        torch.manual_seed(seeds.child(self.settings.seed, "step", self.place.step, rank))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._rate() * group.get("factor", 1.0)
        mine = rows[rank::world] if len(rows) >= world else rows
        batch = self.fabric.to_device(self.model.collate(self.store, mine))
        with self.fabric.autocast():  # Fabric itself does so only where it wraps the network, as for several devices
            loss = self.network.loss(batch)
            if self.calibration is not None:
                loss = loss.plus(self.calibration.loss(len(mine), loss.weight))
        total, weight, *parts = self._sum(
            float(loss.total.detach()), float(loss.weight), *(float(v.detach()) for v in loss.parts.values())
        )
        self.fabric.backward(loss.total * (world / weight))
        norm = torch.nn.utils.clip_grad_norm_(learnt(self.model).values(), self.settings.clip)
        if not torch.isfinite(norm):
            raise MachineError(
                f"train: the loss is not finite after {self.place.molecules:,} molecules; lower training.learning_rate"
            )
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self._update_average()
        self.parts = _added(self.parts, loss.parts, parts)
        self.place = self.place._replace(
            step=self.place.step + 1,
            batch=self.place.batch + 1,
            molecules=self.place.molecules + len(rows),
            loss=self.place.loss + total,
            weight=self.place.weight + weight,
        )
        return total / weight

    def _rate(self) -> float:
        """Learning rate: linear warm-up, held, then a cosine to `final_rate`; a function of the molecules seen."""
        s, done = self.settings, self.place.molecules / self.settings.molecules
        if done < s.warmup:
            return s.learning_rate * (done + s.batch_size / s.molecules) / (s.warmup + s.batch_size / s.molecules)
        begin = max(s.warmup, s.hold)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, (done - begin) / (1 - begin)))))
        return s.learning_rate * (s.final_rate + (1 - s.final_rate) * cosine)

    def _update_average(self) -> None:
        step = self.place.step + 1
        decay = min(self.settings.average, step / (step + 9))  # young averages follow quickly
        names = learnt(self.model)
        torch._foreach_lerp_(list(self.average.values()), [names[k].detach() for k in self.average], 1 - decay)

    def _due(self, seen: int) -> bool:
        every = self.validate_every
        return self.place.molecules // every != (self.place.molecules - seen) // every

    @torch.no_grad()
    def _validate(self) -> None:
        """Adds a train line and, where there is a validation split, a valid line (averaged weights) to the metrics."""
        if self.place.weight:
            self._log("train", self.place.loss, self.place.weight, self.parts)
        self.place, self.parts = self.place._replace(loss=0.0, weight=0.0), {}
        if not len(self.valid_rows):
            return
        total, weight, parts = self._validation_loss()
        loss = self._log("valid", total, weight, parts)
        if loss < self.place.best:
            self.best = {name: tensor.clone() for name, tensor in self.average.items()}
            self.place = self.place._replace(best=loss, waited=0)
        else:
            self.place = self.place._replace(waited=self.place.waited + 1)

    def _validation_loss(self) -> tuple[float, float, dict[str, float]]:
        """Summed loss of the averaged weights on the validation rows, its divisor, and the sums of its parts."""
        parameters = learnt(self.model)
        kept = {name: p.detach().clone() for name, p in parameters.items()}
        for name, p in parameters.items():
            p.copy_(self.average[name])
        self.network.eval()
        torch.manual_seed(seeds.child(self.settings.seed, "validation"))
        total = weight = 0.0
        parts: dict[str, float] = {}
        rank, world = self.fabric.global_rank, self.fabric.world_size
        for rows in self.model.row_batches(self.store, self.valid_rows, self.settings.batch_size)[rank::world]:
            batch = self.fabric.to_device(self.model.collate(self.store, rows))
            with self.fabric.autocast():  # not through DDP, which would wait for the other devices at each batch
                loss = self.model.loss(batch)
            total, weight = total + float(loss.total), weight + float(loss.weight)
            parts = _added(parts, loss.parts, [float(v.detach()) for v in loss.parts.values()])
        if self.calibration is not None:
            with self.fabric.autocast():
                loss = self.calibration.loss(len(self.valid_rows[rank::world]), weight)
            total, parts = total + float(loss.total), parts | {name: float(v) for name, v in loss.parts.items()}
        for name, p in parameters.items():
            p.copy_(kept[name])
        self.network.train()
        total, weight, *sums = self._sum(total, weight, *parts.values())
        return total, weight, dict(zip(parts, sums, strict=True))

    def _log(self, split: str, total: float, weight: float, parts: Mapping[str, float]) -> float:
        """A line of metrics: the mean loss, which is returned, and its parts."""
        means = {"loss": total / weight} | {name: value / weight for name, value in parts.items()}
        rounded = {name: round(value, 6) for name, value in means.items()}
        place = self.place.molecules
        self.rows.append({"molecules": place, "split": split, "rate": self._rate()} | rounded)
        self.fabric.log_dict({f"{split}/{k}": v for k, v in means.items()} | {"rate": self._rate()}, step=place)
        return means["loss"]

    def _out_of_patience(self) -> bool:
        return bool(self.settings.patience) and self.place.waited >= self.settings.patience

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            checkpoint.save(
                self.folder / CHECKPOINT,
                self.model,
                self.average,
                self.best,
                self._plain_optimizers(),
                self.place,
                self.rows,
                self.parts,
                "bf16" if self.dtype is torch.bfloat16 else "fp32",
            )
            write_metrics(self.folder / METRICS, self.rows)
        self.fabric.barrier()

    def _plain_optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer.optimizer for optimizer in self.optimizers]

    def _sum(self, *values: float) -> list[float]:
        """Numbers summed over devices."""
        if self.fabric.world_size == 1:
            return list(values)
        local = torch.tensor(values, dtype=torch.float64, device=self.fabric.device)
        summed = self.fabric.all_reduce(local, reduce_op="sum")
        return summed.tolist()  # type: ignore[union-attr]

    def _note_signal(self, number: int, _: object) -> None:
        self._stop_signal = number

    def _stop_message(self) -> str:
        place = f"{self.place.molecules:,} of {self.settings.molecules:,} molecules"
        return f"train: stopped at {place} with a checkpoint; run the same command again to go on"


def _dtype(fabric: Fabric) -> torch.dtype:
    """What the network computes in."""
    device = fabric.device.type
    with fabric.autocast():
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32


def learnt(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are trained: all but the frozen ones."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def optimizers_of(
    model: NeuralGenerator, settings: TrainingSettings, dtype: torch.dtype = torch.float32
) -> list[torch.optim.Optimizer]:
    """AdamW for all parameters; or Muon, computed in `dtype`, for the matrices inside the network, AdamW for the rest.

    Inside means that neither rows nor columns stand for tokens or the like: a linear layer's weight, unless the layer
    reads codes or writes logits. Those that read codes have their own rate, those that write logits their own floor:
    between two molecules that have a rare class every step lowers its logit a little, and AdamW, which soon forgets
    the first, would make these steps as long as the one that raised it.
    """
    linear = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    inside = linear - {name for name in linear if name.split(".")[-2] in ("logits", "code")}
    matrices = [p for name, p in learnt(model).items() if settings.optimizer == "muon" and name in inside]
    others = {name: p for name, p in learnt(model).items() if settings.optimizer == "adamw" or name not in inside}
    coded = {name for name in linear & others.keys() if name.split(".")[-2] == "code"}
    telling = {name for name in others if name.split(".")[-2:-1] == ["logits"]}
    groups: list[dict[str, Any]] = [
        {"params": [p for name, p in others.items() if name not in coded | telling]},
        {"params": [others[name] for name in sorted(coded)], "factor": settings.code_rate},
        {
            "params": [others[name] for name in sorted(telling)],
            "eps": EPS + settings.logits_floor / settings.batch_size,
        },
    ]
    common: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, betas=settings.betas, fused=True, **common)]
    if matrices:
        found.append(Muon(matrices, dtype=dtype, **common))
    return found


def _added(sums: Mapping[str, float], names: Iterable[str], values: Sequence[float]) -> dict[str, float]:
    return {name: sums.get(name, 0.0) + value for name, value in zip(names, values, strict=True)}


def write_metrics(path: Path, rows: list[dict[str, Any]]) -> None:
    """The lines of metrics.csv; the parts of the loss that a family names are its last columns."""
    columns = ["molecules", "split", "loss", "rate"]
    columns += [name for name in (rows[0] if rows else {}) if name not in columns]
    with whole_file(path) as aside, aside.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)


class stop_signals:  # noqa: N801 (reads as a block)
    """Sends the stop signals to a handler while the block runs; only the main thread can do so."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.previous = {number: signal.signal(number, self.handler) for number in STOP_SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)
