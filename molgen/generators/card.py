"""A model card: card.md in a model folder, a YAML head for programs and a text for readers (Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from molgen.core.errors import ArtifactError
from molgen.core.settings import Settings
from molgen.data.sources import DataSet

CARD = "card.md"
HEAD = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


class Card(Settings):
    """What a program may want to know of a trained model."""

    name: str
    family: str
    parameters: int
    megabytes: float  # of the weights
    data: str  # name of the data set
    molecules: int | None = None  # distinct ones of the training split
    seen: int | None = None  # molecules shown in training, repeats counted
    hours: float | None = None  # of training
    draws: int | None = None  # that the metrics are of
    metrics: dict[str, float] = Field(default_factory=dict)
    licence: str = "MIT"  # of the weights
    data_licence: str


def write_card(folder: Path, card: Card, text: str) -> None:
    """Writes card.md into a model folder; `text` is Markdown."""
    head = yaml.safe_dump(card.values(), sort_keys=False, allow_unicode=True, width=1000)
    (folder / CARD).write_text(f"---\n{head}---\n\n{text}", encoding="utf-8")


def read_card(folder: Path) -> Card | None:
    """The head of a model folder's card; None if it has no card; ArtifactError if its head is damaged."""
    file = folder / CARD
    if not file.is_file():
        return None
    head = HEAD.match(file.read_text(encoding="utf-8", errors="replace"))
    try:
        values: Any = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict):
        raise ArtifactError(f"{file}: no YAML head between two lines of ---; write the card again")
    return Card.parse(values, where=str(file))


def card_text(folder: Path) -> str:
    """The card's text without its head; empty if there is no card."""
    file = folder / CARD
    return HEAD.sub("", file.read_text(encoding="utf-8", errors="replace")).strip() if file.is_file() else ""


def card_body(
    card: Card, source: DataSet, config: Mapping[str, Any], training: Mapping[str, Any], notes: Sequence[str]
) -> str:
    """The text of a card: what it is, data, settings, metrics, limits."""
    settings = yaml.safe_dump({"model": config["settings"], "training": training["training"]}, sort_keys=False)
    rows = "".join(f"| {name} | {value:g} |\n" for name, value in card.metrics.items())
    metrics = (
        f"Of {card.draws:,} draws, unfiltered.\n\n| metric | value |\n|---|---|\n{rows}" if rows else "Not measured.\n"
    )
    shown = (
        f"{card.molecules:,} molecules in the training split" if card.molecules else "size of the split not recorded"
    )
    seen = f"; {card.seen:,} molecules shown in training, repeats counted" if card.seen else ""
    hours = f"; {card.hours:g} hours of training" if card.hours is not None else ""
    limits = "".join(f"- {line}\n" for line in [*_limits(card, config), *notes])
    return f"""# {card.name}

A `{card.family}` model of {card.parameters / 1e6:.1f} million parameters ({card.megabytes:g} MB, bf16).

```
molgen sample {card.name} --n 1000 --out samples.parquet
molgen train {card.family} --features features --out models/mine --set start={card.name}
```

## Data

{source.title} (`molgen data fetch {card.data}`). {source.citation}.
{shown[0].upper()}{shown[1:]}{seen}{hours}.
Licence of the data: {source.licence}. Licence of the weights: {card.licence}.

## Settings

```yaml
{settings}```

## Metrics

{metrics}
## Limits

{limits}"""


def _limits(card: Card, config: Mapping[str, Any]) -> list[str]:
    """What can be said of any model of these, and what this one's tokens tell."""
    lines = [
        f"It imitates {card.data}: what is rare there it hardly proposes, and what is absent there never.",
        "A draw is an idea, not a finding: nothing here says that a molecule can be made, is active, or is safe.",
        "Draws can be invalid, repeat each other, or repeat a training molecule; `molgen evaluate` counts all three.",
        "Alerts for reactive or toxic motifs are raised by `molgen score`, not by this model.",
        "Not for decisions about safety or health, and not for seeking toxic or controlled substances.",
    ]
    tokens = [t for t in config.get("vocabulary", ()) if not t.startswith("<")]
    if tokens:
        lines.append(
            f"It writes these tokens only: `{' '.join(tokens)}`; at most {config.get('longest', '?')} of them."
        )
        if not any(mark in t for t in tokens for mark in "@/\\"):
            lines.append("It knows no stereochemistry: draws leave every stereo centre and double bond open.")
        if not any(charge in t for t in tokens for charge in ("+", "-]", "-1]")):
            lines.append("It knows no charges: salts and zwitterions cannot be written.")
    return lines
