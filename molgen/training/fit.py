"""`train` of a family that counts: one pass over the training split, no loop, nothing to go on from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, SettingsError
from molgen.data.store import Store
from molgen.generators.base import Likelihood
from molgen.generators.counted import CountedGenerator
from molgen.training.loop import METRICS, write_metrics
from molgen.training.settings import RunSettings

OF_COUNTING = {"seed", "validation_molecules"}  # of the training settings


def fit(kind: type[CountedGenerator], features: Path, out: Path, settings: RunSettings) -> None:
    """Counts, and writes the model folder whole or not at all.

    metrics.csv says how many molecules were counted and, where the model has likelihoods, the nats a token (end
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
    if already_made(out, identity):
        return
    split = store.rows("train")
    rows = kind.usable(store, split)
    if len(rows) < len(split):
        reason = "a token that the feature store does not know, or none"
        print(f"train: {len(split) - len(rows):,} of {len(split):,} molecules left out: {reason}", file=sys.stderr)
    if not len(rows):
        raise InputError(f"{features}: no molecule in the training split to count; prepare more molecules")
    with building(out, identity) as folder:
        model = kind.fit(config, store, rows, training.seed)
        lines: list[dict[str, Any]] = [{"molecules": len(rows), "split": "train"}]
        held_out = kind.usable(store, store.rows("valid"))[: training.validation_molecules]
        if isinstance(model, Likelihood) and len(held_out):
            loss = _nats_a_token(model, store, held_out)
            lines.append({"molecules": len(rows), "split": "valid", "loss": loss})
        folder.mkdir()
        write_metrics(folder / METRICS, lines)
        model.save(folder)


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
