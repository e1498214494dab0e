"""`molgen models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.core.errors import ArtifactError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
SHOWN = ("valid", "unique@10000", "Novelty", "Filters", "FCD/Test")  # metrics of `list`
Model = Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")]


@app.callback()
def models() -> None:
    """List what can be trained and what is trained."""


@app.command("list")
def list_() -> None:
    """The families that `molgen train` knows, and the trained models that come with the package.

    \b
    Example:
      molgen models list
    """
    from rich.console import Console
    from rich.table import Table

    from molgen.generators import FAMILIES
    from molgen.generators.card import read_card
    from molgen.generators.folder import WEIGHTS, read_config, shipped

    print("families: " + ", ".join(FAMILIES))
    found = shipped()
    if not found:
        print("shipped:  none")
        return
    table = Table("shipped", "family", "parameters", "MB", "data", *SHOWN, box=None, header_style="bold")
    for name, folder in found.items():
        card = read_card(folder)
        size = f"{(folder / WEIGHTS).stat().st_size / 1e6:.1f}"
        facts = ("?", size, "?") if card is None else (f"{card.parameters / 1e6:.1f} M", size, card.data)
        metrics = {} if card is None else card.metrics
        values = [f"{metrics[key]:.3f}" if key in metrics else "-" for key in SHOWN]
        table.add_row(name, read_config(folder)["family"], *facts, *values)
    console = Console()
    Console(width=console.width if console.is_terminal else 160).print(table)


@app.command()
def show(model: Model) -> None:
    """A trained model's card; for one without a card its settings, size and how it was trained.

    \b
    Example:
      molgen models show models/smiles
    """
    import yaml

    from molgen.core.artifacts import read_provenance
    from molgen.generators.card import card_text
    from molgen.generators.folder import WEIGHTS, model_folder, read_config

    folder = model_folder(model)
    values = read_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise ArtifactError(f"{folder}: no {WEIGHTS} in it; train or copy it again")
    if text := card_text(folder):
        print(text)
        return
    print(f"family: {values['family']}")
    parts = {key: values[key] for key in ("settings", "base", "adapter") if key in values}
    print(yaml.safe_dump(parts, sort_keys=False).rstrip())
    print(f"weights: {(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB")
    record = read_provenance(folder)
    if record is not None:
        print(yaml.safe_dump({"training": record["identity"]["settings"].get("training")}, sort_keys=False).rstrip())


@app.command()
def export(
    model: Model,
    name: Annotated[str, typer.Option("--name", help="What it is to be called.")],
    data: Annotated[str, typer.Option("--data", help="What it was trained on: a name of `molgen data list`.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write NAME into.")],
    metrics: Annotated[Path | None, typer.Option("--metrics", help="JSON of `molgen evaluate`.")] = None,
    hours: Annotated[float | None, typer.Option("--hours", min=0, help="That the training took.")] = None,
    seen: Annotated[
        int | None, typer.Option("--seen", min=1, help="Molecules shown in all stages, if it began from another model.")
    ] = None,
    note: Annotated[list[str] | None, typer.Option("--note", help="A line under the card's limits.")] = None,
) -> None:
    """A model folder as it ships: bf16 weights of at most 12 MB, a model card, no trace of this machine.

    \b
    Example:
      molgen models export models/smiles --name smiles-moses --data moses --metrics metrics.json --out molgen/weights
    """
    from molgen.export import Facts
    from molgen.export import export as run

    card = run(model, out, Facts(name, data, metrics, hours, seen, tuple(note or ())))
    print(f"{card.name}: {card.family}, {card.parameters / 1e6:.1f} M parameters, {card.megabytes:.1f} MB")
    print(f"model: {out / name}")


@app.command()
def mean(
    models: Annotated[list[str], typer.Argument(help="Models, each with its share.", metavar="MODEL=SHARE...")],
    out: Annotated[Path, typer.Option("--out", help="Model folder to write.")],
) -> None:
    """The mean of the weights of models that were trained on from one another.

    \b
    Example:
      molgen models mean models/stage4=0.75 models/stage5=0.25 --out models/mean
    """
    from molgen.averaging import mean as run
    from molgen.core.errors import SettingsError

    shares: dict[str, float] = {}
    for text in models:
        model, _, share = text.rpartition("=")
        try:
            shares[model] = float(share)
        except ValueError:
            model = ""
        if not model:
            raise SettingsError(f"{text!r}: MODEL=SHARE is expected, as in models/stage4=0.75")
    if len(shares) < len(models):
        raise SettingsError("models mean: a model is named twice; add its shares up")
    run(shares, out)
    print(f"model: {out}")
