"""`train` of a family that counts: no gradients, no loop of epochs. What takes longer than seconds can be stopped."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from molgen.core.artifacts import Identity, already_made, building, remove, whole_file
from molgen.core.errors import ArtifactError, InputError, SettingsError, Stopped
from molgen.core.progress import Progress
from molgen.data.store import Store
from molgen.generators.base import Likelihood
from molgen.generators.counted import CountedGenerator
from molgen.generators.folder import write_tensors
from molgen.training.loop import CHECKPOINT, CHECKPOINT_SECONDS, METRICS, stop_signals, write_metrics
from molgen.training.settings import RunSettings

OF_COUNTING = {"seed", "validation_molecules"}  # of the training settings


class Work:
    """What a fit has done so far: shown, and saved in a folder every few minutes and when it is to stop.

    The folder appears with the first saving, so that a fit of seconds leaves no trace.
    """

    def __init__(self, folder: Path, deadline: float | None) -> None:
        self.file, self.deadline = folder / CHECKPOINT, deadline
        self.total = 0  # molecules that a family that tells how far it is will have seen, repeats counted
        self.stop_signal = 0
        self._saved = time.monotonic()
        self._bar: Progress | None = None
        self._handlers = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._handlers.close()

    def begin(self, total: int) -> dict[str, np.ndarray]:
        """What was saved last, or nothing. From here on a signal is waited for and not fatal."""
        kept: dict[str, np.ndarray] = {}
        if self.file.is_file():
            try:
                kept = {name: tensor.numpy() for name, tensor in load_file(self.file).items()}
                done = int(kept.pop("done")[0])
            except (OSError, SafetensorError, KeyError) as error:
                raise ArtifactError(
                    f"{self.file}: checkpoint cannot be read ({error}); remove it to start anew"
                ) from None
            print(f"train: goes on at {done:,} molecules", file=sys.stderr, flush=True)
        self.total = total
        self._bar = Progress("train", total, "molecules", done=done if kept else 0)
        self._handlers.enter_context(stop_signals(self._note_signal))
        return kept

    def done(self, count: int, arrays: Callable[[], dict[str, np.ndarray]], note: str = "") -> None:
        """Saves if it is time to; past the deadline or after a signal, saves and raises Stopped (KeyboardInterrupt)."""
        assert self._bar is not None
        self._bar.advance(count, note)
        now = time.monotonic()
        stop = bool(self.stop_signal) or (self.deadline is not None and now > self.deadline)
        if self._bar.done == self._bar.total:
            return  # all is done: what is left takes no longer than saving
        if stop or now - self._saved > CHECKPOINT_SECONDS:
            self._save(arrays() | {"done": np.array([self._bar.done])})
            self._saved = now
        if stop and self.stop_signal == signal.SIGINT:
            raise KeyboardInterrupt
        if stop:
            place = f"{self._bar.done:,} of {self._bar.total:,} molecules"
            raise Stopped(f"train: stopped at {place} with a checkpoint; run the same command again to go on")

    def finish(self) -> None:
        """Ends the line of progress, and removes what was saved."""
        if self._bar is not None:
            self._bar.finish()
        remove(self.file.parent)

    def _note_signal(self, number: int, _: object) -> None:
        self.stop_signal = number

    def _save(self, arrays: dict[str, np.ndarray]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.file) as aside:
            write_tensors(aside, {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()})


def fit(
    kind: type[CountedGenerator],
    features: Path,
    out: Path,
    settings: RunSettings,
    *,
    deadline: float | None = None,
    state: Path | None = None,
) -> None:
    """Counts, and writes the model folder whole or not at all.

    A family that tells how far it is stops past `deadline` (monotonic) or at a signal, with what it has done in a
    hidden folder beside `out` or in `state`, and the same call goes on from there.

    metrics.csv says how many molecules were seen and, where the model has likelihoods, the nats a token (end
    included) of molecules of the validation split.
    """
    _refuse(kind.name, settings)
    config = kind.Config.parse(settings.model, where="model")
    training = settings.training
    values = {
        "family": kind.name,
        "model": config.values(),
        "training": {"validation_molecules": training.validation_molecules},
    }
    store = Store.open(features)
    identity = Identity.of("train", values, {"features": features}, training.seed)
    work = Work((state or out.parent) / f".{out.name}.{identity.key}.work", deadline)
    if already_made(out, identity):
        work.finish()  # left by a kill in the moment between
        return
    split = store.rows("train")
    rows = kind.usable(store, split)
    if len(rows) < len(split):
        reason = "a token that the feature store does not know, or none"
        print(f"train: {len(split) - len(rows):,} of {len(split):,} molecules left out: {reason}", file=sys.stderr)
    if not len(rows):
        raise InputError(f"{features}: no molecule in the training split to count; prepare more molecules")
    with building(out, identity) as folder:
        with work:
            model = kind.fit(config, store, rows, training.seed, work)
        seen = work.total or min(len(rows), getattr(config, "molecules", len(rows)))
        lines: list[dict[str, Any]] = [{"molecules": seen, "split": "train"}]
        held_out = kind.usable(store, store.rows("valid"))[: training.validation_molecules]
        if isinstance(model, Likelihood) and len(held_out):
            loss = _nats_a_token(model, store, held_out)
            lines.append({"molecules": seen, "split": "valid", "loss": loss})
        folder.mkdir()
        write_metrics(folder / METRICS, lines)
        model.save(folder)
    work.finish()


def _nats_a_token(model: Likelihood, store: Store, rows: np.ndarray) -> float:
    """Over the molecules that the model can write."""
    nats = model.log_prob(store.smiles(rows)).numpy()
    can = np.isfinite(nats)
    return -float(nats[can].sum() / (store.token_lengths(rows)[can] + 1).sum()) if can.any() else float("nan")


def _refuse(name: str, settings: RunSettings) -> None:
    """A SettingsError for what says nothing about counting."""
    for key in ("start", "adapter"):
        if getattr(settings, key) is not None:
            raise SettingsError(f"{key}: a {name!r} model is counted anew; leave it out")
    for key in sorted(settings.training.model_fields_set - OF_COUNTING):
        raise SettingsError(f"training.{key}: a {name!r} model only counts, there is no loop; leave it out")
