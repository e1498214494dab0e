"""`models export`: a trained folder to one that ships with the package: bf16 weights, config, card, provenance."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from molgen import __version__
from molgen.core.artifacts import (
    PROVENANCE,
    Identity,
    already_made,
    library_versions,
    read_provenance,
    remove,
    work_path,
    write_json,
)
from molgen.core.errors import ArtifactError, SettingsError
from molgen.data.sources import DataSet, data_set
from molgen.evaluate.record import read_metrics
from molgen.generators.card import Card, card_body, read_card, write_card
from molgen.generators.folder import WEIGHTS, load_model, model_folder, read_config

LARGEST = 12e6  # bytes of weights: what a package of the Python index can carry several of


class Facts(NamedTuple):
    """What the trained folder itself does not tell."""

    name: str
    data: str  # a name of `molgen data list`
    metrics: Path | None = None  # of `molgen evaluate`
    hours: float | None = None
    seen: int | None = None  # in all stages, where the training began from another model; None: in the last
    notes: Sequence[str] = ()


def export(model: str, out: Path, facts: Facts) -> Card:
    """Writes `out`/NAME and returns its card. Adapters become part of the weights.

    Weights of more than 12 MB are an ArtifactError: they would not ship.
    """
    if not facts.name.replace("-", "").replace("_", "").isalnum():
        raise SettingsError(f"--name {facts.name!r}: letters, digits and hyphens only")
    folder, source = model_folder(model), data_set(facts.data)
    found = read_metrics(facts.metrics) if facts.metrics is not None else {}
    training = _training(folder)
    values = facts._replace(metrics=None)._asdict() | {"notes": list(facts.notes), **training}
    inputs = {"model": folder} | ({"metrics": facts.metrics} if facts.metrics is not None else {})
    identity, target = Identity.of("models export", values, inputs), out / facts.name
    if not already_made(target, identity):
        _write(target, identity, model, facts, source, found, training)
    card = read_card(target)
    assert card is not None
    return card


def _write(
    target: Path,
    identity: Identity,
    model: str,
    facts: Facts,
    source: DataSet,
    found: Mapping[str, Any],
    training: Mapping[str, Any],
) -> None:
    """The folder, whole or not at all. Its provenance tells no path, host or command of the machine it was made on."""
    aside = work_path(target, identity)
    remove(aside)
    aside.mkdir(parents=True)
    try:
        loaded: Any = load_model(model, device="cpu", precision="bf16")
        loaded.save(aside)
        size = (aside / WEIGHTS).stat().st_size
        if size > LARGEST:
            raise ArtifactError(
                f"{model}: {size / 1e6:.1f} MB of weights in bf16, 12 MB at most ship; train a smaller one"
            )
        card = Card(
            name=facts.name,
            family=loaded.name,
            parameters=sum(p.numel() for p in loaded.parameters()),
            megabytes=round(size / 1e6, 2),
            data=facts.data,
            molecules=found.get("reference", {}).get("rows", {}).get("train"),
            seen=facts.seen or _seen(model_folder(model)),
            hours=facts.hours,
            draws=found.get("n"),
            metrics=_numbers(found.get("metrics", {})),
            data_licence=source.licence,
        )
        write_card(aside, card, card_body(card, source, read_config(aside), training, facts.notes))
        made = {"molgen": __version__, "time": datetime.now(UTC).isoformat(timespec="seconds")}
        record = {"key": identity.key, "identity": identity.values(), "made": made | {"libraries": library_versions()}}
        write_json(aside / PROVENANCE, record)
        aside.replace(target)
    finally:
        remove(aside)


def _training(folder: Path) -> dict[str, Any]:
    """How a folder was trained, from its provenance."""
    record = read_provenance(folder) or {}
    identity = record.get("identity", {})
    settings = identity.get("settings", {})
    return {"training": settings.get("training", {}), "trained": record.get("key"), "of": identity.get("inputs", {})}


def _seen(folder: Path) -> int | None:
    """Molecules shown in training: fewer than asked for where patience ended it."""
    file = folder / "metrics.csv"
    if not file.is_file():
        return None
    with file.open(newline="") as stream:
        return max((int(row["molecules"]) for row in csv.DictReader(stream)), default=None)


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics to four digits; those that have no value are left out."""
    return {name: float(f"{value:.4g}") for name, value in metrics.items() if value is not None}
