"""`molgen objective`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML file of components, weights and filters.")]


@app.callback()
def objective() -> None:
    """Look at an objective before it is used."""


@app.command()
def check(file: File) -> None:
    """Explain an objective in words, point out contradictions, and score ten known drugs with it.

    \b
    Example:
      molgen objective check workflows/config/objectives/druglike.yaml
    """
    from molgen.scoring.doubts import doubts, doubts_from_trial
    from molgen.scoring.explain import in_words, scorers_of, try_on_drugs
    from molgen.scoring.objective import Objective

    found = Objective.read(file)
    scorers = scorers_of(found)
    print("\n".join(in_words(found, scorers)))
    tried = try_on_drugs(found)
    print("\n" + "\n".join(tried.table()))
    lines = [*doubts(found, scorers), *doubts_from_trial(tried)]
    print()
    print("\n".join(f"doubt: {line}" for line in lines) if lines else "no contradictions found")


@app.command()
def plot(file: File, out: Out) -> None:
    """Draw the transform of each component, with ten known drugs on it, as an SVG picture.

    \b
    Example:
      molgen objective plot workflows/config/objectives/druglike.yaml --out druglike.svg
    """
    from molgen.report.desirability import plot as run
    from molgen.scoring.objective import Objective

    found = Objective.read(file)
    run(found, out)
    print(f"{out}: {len(found.components)} components")


@app.command()
def count(
    file: Annotated[Path, typer.Argument(metavar="MOLECULES", help="Molecules: .smi, .smi.gz or .parquet.")],
    out: Out,
    of: Annotated[str, typer.Option("--of", help="scaffold or ring_system.")] = "ring_system",
) -> None:
    """Count the scaffolds or ring systems of molecules: a reference for `scaffold_novelty` and `ring_rarity`.

    \b
    Example:
      molgen objective count molecules.parquet --of ring_system --out rings.csv
    """
    from molgen.scoring.reference import count_file

    found = count_file(file, out, of)
    print(f"{out}: {len(found):,} different, {sum(found.values()):,} in all")
