"""`molgen featurize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Config, Out, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def featurize(
    molecules: Annotated[Path, typer.Argument(help="Folder from `molgen prepare` (or its molecules.parquet).")],
    out: Out,
    config: Config = None,
    set_: Set = None,
    workers: Workers = 0,
) -> None:
    """A molecules table to a feature store: tokens, graphs and properties as flat, memory-mapped arrays.

    \b
    Example:
      molgen featurize molecules --out features
      molgen featurize molecules --out features-selfies --set notation=selfies
    """
    from molgen.data.featurize import FeaturizeSettings
    from molgen.data.featurize import featurize as run

    settings = FeaturizeSettings.load(config, set_ or ())
    header = run(molecules, out, settings, workers=workers_or_all(workers))
    splits = ", ".join(f"{count:,} {name}" for name, count in header["splits"].items() if count)
    print(f"{header['molecules']:,} molecules ({splits})")
    names = {"smiles": "SMILES", "selfies": "SELFIES"}
    print(
        f"{len(header['vocabulary']) - 4} tokens, longest {names[settings.notation]} {header['longest']}; "
        f"{len(header['atom_symbols']) - 1} atom types, largest molecule {header['largest']} atoms"
    )
    for key, meaning in (
        ("unknown_tokens", "tokens that the train split does not have"),
        ("without_tokens", f"molecules that {names[settings.notation]} cannot write"),
        ("without_graph", "molecules without a graph (dative bond or over 255 atoms)"),
        ("with_stereo", "molecules whose stereochemistry is in the tokens only"),
    ):
        if header.get(key):
            print(f"{header[key]:,} {meaning}")
    print(f"feature store: {out}")
