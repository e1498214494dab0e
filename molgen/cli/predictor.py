"""`molgen predictor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from molgen.cli.options import Config, Out, Seed, Set, SmilesColumn

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
Table = Annotated[Path, typer.Argument(help="Measured values: .csv, .tsv or .parquet with a SMILES column, or .sdf.")]
Target = Annotated[str, typer.Option("--target", help="Column of the measured values.")]
Folder = Annotated[Path, typer.Argument(help="A trained predictor.")]


@app.callback()
def predictor() -> None:
    """Property models from measured values."""


@app.command()
def train(
    table: Table,
    target: Target,
    out: Out,
    smiles_column: SmilesColumn = None,
    config: Config = None,
    changes: Set = None,
    seed: Seed = 0,
) -> None:
    """Fit a predictor to all molecules of a table.

    \b
    Example:
      molgen predictor train esol.csv --target logS --out models/logS
      molgen predictor train herg.csv --target pIC50 --set active=5 --set kind=bayes --out models/herg
    """
    from molgen.predictor.run import Columns
    from molgen.predictor.run import train as run
    from molgen.predictor.settings import PredictorSettings

    found = run(table, Columns(target, smiles_column), out, PredictorSettings.load(config, changes or []), seed=seed)
    print(f"{out}: {found['molecules']:,} molecules of {found['rows']:,} rows", end="")
    print(f", {found['actives']:,} active" if found["classes"] else "")
    for reason, count in found["rejects"].items():
        print(f"{count:>10,}  {reason}")


@app.command()
def evaluate(
    table: Table,
    target: Target,
    out: Out,
    model: Annotated[
        Path | None, typer.Option("--model", help="A trained predictor; else it is cross-validated.")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="random, scaffold, time or column.")] = "scaffold",
    folds: Annotated[int, typer.Option("--folds", min=1, help="Folds; 1: one partition with a share --test.")] = 5,
    test: Annotated[float, typer.Option("--test", min=0.01, max=0.9, help="Share that is tested.")] = 0.2,
    split_column: Annotated[str | None, typer.Option("--split-column", help="Column of train and test.")] = None,
    time_column: Annotated[str | None, typer.Option("--time-column", help="Column of numbers to order by.")] = None,
    smiles_column: SmilesColumn = None,
    config: Config = None,
    changes: Set = None,
    seed: Seed = 0,
) -> None:
    """Measure a trained predictor on other molecules, or by cross-validation how good one would be.

    \b
    Example:
      molgen predictor evaluate esol.csv --target logS --split scaffold --folds 5 --out esol.json
      molgen predictor evaluate new.csv --target logS --model models/logS --out new.json
    """
    from molgen.core.errors import InputError, nearest
    from molgen.predictor.run import Columns, cross_validate
    from molgen.predictor.run import evaluate as run
    from molgen.predictor.settings import PredictorSettings

    kinds = ("random", "scaffold", "time", "column")
    if split not in kinds:
        raise InputError(f"--split {split!r}: unknown{nearest(split, kinds)}")
    columns = Columns(target, smiles_column, split_column, time_column)
    if model is not None:
        _show(run(model, table, columns, out, seed=seed), out)
        return
    settings = PredictorSettings.load(config, changes or [])
    how: Any = split
    _show(cross_validate(table, columns, out, settings, how=how, folds=folds, test=test, seed=seed), out)


@app.command()
def predict(
    model: Folder,
    file: Annotated[Path, typer.Argument(help="Molecules: .smi, .smi.gz or .parquet with a column `smiles`.")],
    out: Out,
) -> None:
    """Predictions with intervals, and how far each molecule is from the training molecules.

    \b
    Example:
      molgen predictor predict models/logS candidates.parquet --out predicted.parquet
    """
    from molgen.predictor.run import predict as run

    found = run(model, file, out)
    if not found["rows"]:
        print(f"{out}: already made")
        return
    print(f"{out}: {found['rows']:,} rows, {found['molecules']:,} molecules, {found['outside']:,} outside the domain")


@app.command()
def explain(
    model: Folder,
    file: Annotated[Path, typer.Argument(help="Molecules: .smi, .smi.gz or .parquet with a column `smiles`.")],
    out: Annotated[Path, typer.Option("--out", help="Picture (.svg or .png).")],
    n: Annotated[int, typer.Option("--n", min=1, max=400, help="Of the first so many molecules.")] = 12,
) -> None:
    """A picture of which atoms raise (blue) and lower (orange) a prediction.

    \b
    Example:
      molgen predictor explain models/logS candidates.parquet --out atoms.svg --n 8
    """
    from molgen.predictor.explain import explain_file

    for found in explain_file(model, file, out, n):
        high, low = int(found.atoms.argmax()), int(found.atoms.argmin())
        named = [f"{found.mol.GetAtomWithIdx(i).GetSymbol()}{i} {found.atoms[i]:+.2f}" for i in (high, low)]
        print(f"{found.value:8.3f}  most by {named[0]}, least by {named[1]}  {found.smiles}")
    print(f"picture: {out}")


def _show(found: dict[str, Any], out: Path) -> None:
    print(f"{out}: {found['molecules']:,} test molecules")
    for name, value in found["metrics"].items():
        print(f"  {name:<10} {value['value']:7.3f}  ({value['low']:.3f} to {value['high']:.3f})")
    print(f"  intervals  {found['coverage']:7.3f}  hold the truth, {found['confidence']:.0%} asked for", end="")
    print(f"; median width {found['width']:.2f}" if "width" in found else f"; {found['one_class']:.0%} name one class")
    print(f"  domain     {found['inside_domain']:7.3f}  of the molecules are inside")
