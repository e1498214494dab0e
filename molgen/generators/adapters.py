"""An adapter folder: what a fine-tuning with low-rank adapters learnt, stored apart from its base model.

config.yaml           format, family, settings, adapter (rank, alpha, layers), base (shipped name or path, sha256)
weights.safetensors   A and B of each adapted layer in bf16, the scale folded into B: the layer's change is B A

The base is found by its shipped name, or by its path from the adapter folder, and must have the content it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from molgen.core.errors import ArtifactError, MolgenError, SettingsError
from molgen.generators.base import pick_device
from molgen.generators.folder import CONFIG, content, load_model, read_model, shipped, write_model
from molgen.nn.lora import adapters, merge


class Base(NamedTuple):
    """The model an adapter belongs to: shipped name or path from the adapter folder, and hash of its content."""

    model: str
    sha256: str


def write_adapter(folder: Path, model: Any, base: Base, adapter: Mapping[str, Any]) -> None:
    """Writes the adapters of a model that `molgen.nn.lora.adapt` has changed."""
    values = {"settings": model.config.values(), "adapter": dict(adapter), "base": base._asdict()}
    write_model(folder, model.name, values, {name: t.bfloat16() for name, t in adapters(model).items()})


def load_adapted(folder: Path, *, values: Mapping[str, Any], device: str) -> nn.Module:
    """The base with the adapter's part added to its weights; an ArtifactError where the two are not of one piece."""
    base = base_folder(folder, values)
    found: Any = load_model(str(base), device="cpu")
    _, kept = read_model(folder, found.name)
    try:
        model: nn.Module = found.with_settings(found.Config.parse(values["settings"], where=CONFIG))
        merge(model, kept)
    except SettingsError as error:
        raise ArtifactError(f"{folder}/{error}; train or copy it again") from None
    except (KeyError, RuntimeError):
        raise ArtifactError(f"{folder}: adapters do not fit their base {base}; train or copy it again") from None
    return model.to(pick_device(device)).eval()


def base_folder(folder: Path, values: Mapping[str, Any]) -> Path:
    """Where an adapter's base lies, its content checked."""
    try:
        base = Base(str(values["base"]["model"]), str(values["base"]["sha256"]))
    except (KeyError, TypeError):
        raise ArtifactError(f"{folder}: {CONFIG} is not whole: no 'base' in it; train or copy it again") from None
    place = shipped().get(base.model, folder / base.model)
    if not (place / CONFIG).is_file():
        raise ArtifactError(
            f"{folder}: its base model {base.model} is not there; put it at {place}, or correct {CONFIG}"
        )
    try:
        changed = content(place) != base.sha256
    except MolgenError as error:
        raise ArtifactError(f"{folder}: its base model cannot be read ({error})") from None
    if changed:
        raise ArtifactError(f"{folder}: its base model {place} has changed since; put the old one back, or train again")
    return place
