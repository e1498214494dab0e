"""A model folder: config.yaml and weights.safetensors. Nothing in it is code, nothing is pickled."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError, nearest
from molgen.core.settings import read_yaml

if TYPE_CHECKING:
    from torch import Tensor

    from molgen.generators.base import Generator

FORMAT = 1
CONFIG, WEIGHTS = "config.yaml", "weights.safetensors"


def write_model(folder: Path, family: str, values: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Writes a model into an existing folder."""
    text = yaml.safe_dump({"format": FORMAT, "family": family, **values}, sort_keys=False, allow_unicode=True)
    (folder / CONFIG).write_text(text, encoding="utf-8")
    write_tensors(folder / WEIGHTS, {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """A safetensors file. What the disk answers is an OSError, as from every other writer (safetensors hides it)."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None


def read_config(folder: Path) -> dict[str, Any]:
    """A model folder's config; an error that says what is missing or of which version it is."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such model{nearest(str(folder), shipped())}")
    if not (folder / CONFIG).is_file():
        raise ArtifactError(f"{folder}: not a model folder: no {CONFIG} in it; train or copy it again")
    values = read_yaml(folder / CONFIG)
    if values.get("format") != FORMAT:
        found = values.get("format")
        raise ArtifactError(
            f"{folder}: a model of format {found}, this molgen reads {FORMAT}; use the version it is of"
        )
    for key, kind in (("family", str), ("settings", dict)):
        if not isinstance(values.get(key), kind):
            raise ArtifactError(f"{folder}: {CONFIG} is not whole: no {key!r} in it; train or copy it again")
    return values


def read_model(folder: Path, family: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config values and weights (float32, or the integers that they are) of a model folder of this family."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    values = read_config(folder)
    if values.get("family") != family:
        raise ArtifactError(f"{folder}: a {values.get('family')!r} model, {family!r} is expected")
    try:
        weights = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{folder}: {WEIGHTS} is not whole ({error}); train or copy it again") from None
    return values, {name: t.float() if t.is_floating_point() else t for name, t in weights.items()}


def content(folder: Path) -> str:
    """SHA-256 of what a model is: its config and its weights, whatever else lies beside them."""
    parts = [f"{name}\0{fingerprint(folder / name)}\n" for name in (CONFIG, WEIGHTS)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def shipped() -> dict[str, Path]:
    """Names and folders of the models that come with the package."""
    root = Path(str(files("molgen"))) / "weights"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{CONFIG}"))}


def model_folder(model: str) -> Path:
    """The folder of a path or a shipped name."""
    return Path(model) if Path(model).is_dir() else shipped().get(model, Path(model))


def family_of(folder: Path) -> Any:
    """The class of a model folder's family; an ArtifactError if this molgen does not know it."""
    from molgen.generators import family

    name = read_config(folder)["family"]
    try:
        return family(name)
    except InputError as error:
        raise ArtifactError(f"{folder}: {error}") from None


def load_model(model: str, *, device: str = "auto", precision: str = "fp32") -> Generator:
    """A trained model by folder or shipped name, in evaluation mode and in the precision it is to run in."""
    import torch

    from molgen.generators.adapters import load_adapted

    folder = model_folder(model)
    values = read_config(folder)
    load: Any = partial(load_adapted, values=values) if "adapter" in values else family_of(folder).load
    found: Generator = load(folder, device=device).to({"bf16": torch.bfloat16, "fp32": torch.float32}[precision])
    return found
