"""`molgen models`."""

from __future__ import annotations

from typing import Annotated

import typer

from molgen.core.errors import ArtifactError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)


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
    from molgen.generators import FAMILIES
    from molgen.generators.folder import read_config, shipped

    print("families: " + ", ".join(FAMILIES))
    found = shipped()
    print("shipped:  " + (", ".join(f"{n} ({read_config(p)['family']})" for n, p in found.items()) or "none"))


@app.command()
def show(model: Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")]) -> None:
    """A trained model's settings, data and size.

    \b
    Example:
      molgen models show models/smiles
    """
    import yaml

    from molgen.core.artifacts import read_provenance
    from molgen.generators.folder import WEIGHTS, model_folder, read_config

    folder = model_folder(model)
    values = read_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise ArtifactError(f"{folder}: no {WEIGHTS} in it; train or copy it again")
    print(f"family: {values['family']}")
    print(yaml.safe_dump({"settings": values["settings"]}, sort_keys=False).rstrip())
    print(f"weights: {(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB")
    record = read_provenance(folder)
    if record is not None:
        print(yaml.safe_dump({"training": record["identity"]["settings"].get("training")}, sort_keys=False).rstrip())
    card = folder / "card.md"
    if card.is_file():
        print(f"\n{card.read_text()}")
