"""`models mean`: the mean of the weights of models that were trained on from one another, or from the same start.

Such models lie in one basin of the loss, so the mean is a model too, often better than each (Wortsman et al. 2022,
model soups), and for two that differ in kind a trade between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import ArtifactError, SettingsError
from molgen.generators.folder import family_of, model_folder, read_config, read_model, write_model

if TYPE_CHECKING:
    from torch import Tensor


def mean(shares: Mapping[str, float], out: Path) -> None:
    """Writes a model with the first one's config and the weighted mean of all weights; shares sum to 1.

    Weights that the first model does not have are left out. One that another lacks, or has in another size, is an
    ArtifactError, and so is another vocabulary. Adapters (their products have a mean, not their factors) and models
    that were counted are refused.
    """
    if len(shares) < 2:
        raise SettingsError("models mean: two models at least; name each as MODEL=SHARE")
    if any(share <= 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise SettingsError(f"models mean: shares are above 0 and sum to 1, here to {sum(shares.values()):g}")
    folders = [model_folder(model) for model in shares]
    config = read_config(folders[0])
    _refuse_without_weights(folders[0], config)
    for folder in folders[1:]:
        _refuse_other(folders[0], config, folder)
    inputs = {str(number): folder for number, folder in enumerate(folders)}
    identity = Identity.of("models mean", {"shares": list(shares.values())}, inputs)
    if already_made(out, identity):
        return
    weights = _averaged(folders, list(shares.values()), config["family"])
    with building(out, identity) as aside:
        aside.mkdir()
        values = {key: value for key, value in config.items() if key not in ("format", "family")}
        write_model(aside, config["family"], values, weights)


def _averaged(folders: list[Path], shares: list[float], family: str) -> dict[str, Tensor]:
    """In float32, summed in float64; what holds whole numbers is the first one's."""
    _, first = read_model(folders[0], family)
    sums = {name: tensor.double() * shares[0] for name, tensor in first.items() if tensor.is_floating_point()}
    for folder, share in zip(folders[1:], shares[1:], strict=True):
        _, weights = read_model(folder, family)
        for name, total in sums.items():
            if name not in weights or weights[name].shape != total.shape:
                found = tuple(weights[name].shape) if name in weights else "none"
                raise ArtifactError(
                    f"{folder}: {name} is {found}, in {folders[0]} {tuple(total.shape)}; "
                    "only models that were trained on from one another have a mean"
                )
            total += weights[name].double() * share
    return first | {name: total.float() for name, total in sums.items()}


def _refuse_without_weights(folder: Path, config: Mapping[str, Any]) -> None:
    from molgen.generators.base import NeuralGenerator

    if "adapter" in config:
        raise SettingsError(f"{folder}: adapters of a model, whose factors have no mean; take models trained in full")
    if not issubclass(family_of(folder), NeuralGenerator):
        raise SettingsError(f"{folder}: a {config['family']} model is counted, not trained; train one on all molecules")


def _refuse_other(first: Path, config: Mapping[str, Any], folder: Path) -> None:
    """Settings may differ (how it was trained), but not what tokens and conditions mean."""
    other = read_config(folder)
    for key in sorted((config.keys() | other.keys()) - {"settings"}):
        if config.get(key) != other.get(key):
            raise ArtifactError(f"{folder}: another {key} than {first}; only models that share it have a mean")
