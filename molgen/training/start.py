"""What a training begins with: random weights, or a trained model (`start`) with or without low-rank adapters."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from molgen.core import seeds
from molgen.core.errors import InputError, SettingsError
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.adapters import Base
from molgen.generators.base import NeuralGenerator, Startable
from molgen.generators.folder import content, load_model, model_folder, read_config, shipped
from molgen.nn.lora import adapt
from molgen.training.settings import RunSettings


class Beginning(NamedTuple):
    """The settings a training's model will have, and the model that it starts from, if any."""

    kind: type[NeuralGenerator]
    config: Settings
    settings: RunSettings

    @classmethod
    def of(cls, kind: type[NeuralGenerator], settings: RunSettings) -> Beginning:
        """Checks everything that can be checked without reading weights."""
        config = kind.Config.parse(settings.model, where="model")
        if kind.guides is not None:
            _check_guided(kind, settings)
        elif settings.start is not None:
            config = _settings_of_start(kind, config, settings)
        return cls(kind, config, settings)

    def inputs(self) -> dict[str, str]:
        """What the identity holds beside the feature store: the start model by its content."""
        return {} if self.settings.start is None else {"start": content(model_folder(self.settings.start))}

    def model(self, store: Store) -> tuple[NeuralGenerator, Store]:
        """The model to train, and the feature store in this model's ids."""
        torch.manual_seed(seeds.child(self.settings.training.seed, "weights"))
        if self.settings.start is None:
            return self.kind.build(self.config, store), store
        start: Any = load_model(self.settings.start, device="cpu")
        if self.kind.guides is not None:
            kind: Any = self.kind
            return kind.build(self.config, store, start), store
        if self.settings.vocabulary == "store":
            return start.carried_over(self.config, store), store
        try:
            model: NeuralGenerator = start.with_settings(self.config)
        except RuntimeError:
            raise SettingsError(f"model: {self.settings.start}, the start, has no weights for these settings") from None
        adapter = self.settings.adapter
        if adapter is not None:
            adapt(model, adapter.rank, adapter.alpha, adapter.layers)
        return model, start.in_own_ids(store)

    def base(self, out: Path) -> Base:
        """How an adapter folder at `out` names its base: a shipped name, or the path from there."""
        start = self.settings.start
        assert start is not None
        folder = model_folder(start)
        name = start if folder == shipped().get(start) else Path(os.path.relpath(folder, out)).as_posix()
        return Base(name, content(folder))


def _check_guided(kind: type[NeuralGenerator], settings: RunSettings) -> None:
    """Refuses a guide without the model that it is to guide."""
    if settings.start is None:
        raise SettingsError(f"start: a {kind.name!r} is trained for one {kind.guides!r} model; name it")
    if settings.adapter is not None:
        raise SettingsError("adapter: a guide is trained whole; leave it out")
    if settings.vocabulary == "store":
        raise SettingsError("vocabulary: a guide has that of the model it is for; leave it out")
    family = read_config(model_folder(settings.start))["family"]
    if family != kind.guides:
        raise SettingsError(f"{settings.start}: a {family!r} model; a {kind.name!r} guides one of {kind.guides!r}")


def _settings_of_start(kind: type[NeuralGenerator], given: Settings, settings: RunSettings) -> Settings:
    """The start model's settings with those that may change; a SettingsError names one that may not."""
    start = str(settings.start)
    try:
        values = read_config(model_folder(start))
    except InputError as error:
        raise InputError(f"start: {error}") from None
    if not issubclass(kind, Startable):
        raise SettingsError(f"start: a {kind.name!r} model cannot start from a trained one; leave it out")
    if values["family"] != kind.name:
        where = f"start: {start} is a {values['family']!r} model, and {kind.name!r} is to be trained"
        raise SettingsError(f"{where}; start from one of the same family")
    config = kind.Config.parse(values["settings"], where=f"{start}/config.yaml")
    changeable = kind.changeable | (kind.of_store if settings.vocabulary == "store" else frozenset())
    for key in settings.model:
        asked, found = getattr(given, key), getattr(config, key)
        if asked != found and key not in changeable:
            raise SettingsError(f"model.{key} = {asked!r}: {start}, the start, has {found!r}; leave it out")
    return config.model_copy(update={key: getattr(given, key) for key in settings.model})


def say_left_out(store: Store, model: NeuralGenerator) -> None:
    """A line on stderr for each split that has molecules which the model cannot read."""
    for split in ("train", "valid"):
        rows = store.rows(split)
        out = len(rows) - len(np.intersect1d(rows, model.usable(store, rows)))
        if out:
            reason = "a token that the model does not know, or too long for it"
            print(f"train: {out:,} of {len(rows):,} molecules of {split} left out: {reason}", file=sys.stderr)
