"""`molgen sample`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Precision(StrEnum):
    """What the network computes in."""

    bf16 = "bf16"
    fp32 = "fp32"


@app.command()
def sample(
    model: Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Draws; repeats and failures count.")],
    out: Out,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, ...")] = "auto",
    precision: Annotated[Precision, typer.Option("--precision", help="Of the network.")] = Precision.bf16,
    workers: Workers = 0,
) -> None:
    """Draw molecules from a trained generator: exactly N rows, unfiltered, with a reason where a draw is no molecule.

    \b
    Example:
      molgen sample models/smiles --n 10000 --out samples.parquet --seed 1
    """
    from molgen.sampling import sample as run

    result = run(model, n, out, seed=seed, device=device, precision=precision.value, workers=workers_or_all(workers))
    print(f"{result['n']:,} draws, {result['valid']:,} valid ({100 * result['valid'] / result['n']:.1f} %)")
    for reason, count in result["reasons"].items():
        print(f"  {count:>8,}  {reason}")
    print(f"samples: {out}")
