"""`molgen sample`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed, Set, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Precision(StrEnum):
    """What the network computes in."""

    auto = "auto"  # bf16 where the device computes it natively
    bf16 = "bf16"
    fp32 = "fp32"


@app.command()
def sample(
    model: Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Draws; repeats and failures count.")],
    out: Out,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, ...")] = "auto",
    precision: Annotated[Precision, typer.Option("--precision", help="Of the network.")] = Precision.auto,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the network first (torch.compile).")] = False,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="NAME=VALUE: a property to ask for; may be repeated.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option("--guidance", help="Weight of the condition: 1 is plain, above is stronger.")
    ] = None,
    scaffold: Annotated[
        str | None,
        typer.Option("--scaffold", help="Part of each molecule: [*] marks where it is substituted; none: anywhere."),
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", help="Two parts to join, as 'A.B', each with one [*] where the other comes.")
    ] = None,
    first: Annotated[int, typer.Option("--first", min=0, help="Number of the first draw: makes a shard.")] = 0,
    join: Annotated[
        Path | None, typer.Option("--join", help="Put the N rows together from the shards in this folder.")
    ] = None,
    set_: Set = None,
    workers: Workers = 0,
) -> None:
    """Draw molecules from a trained generator: exactly N rows, unfiltered, with a reason where a draw is no molecule.

    \b
    Example:
      molgen sample models/smiles --n 10000 --out samples.parquet --seed 1
      molgen sample models/smiles --n 1000 --out polar.parquet --condition logP=1.5 --condition TPSA=90 --guidance 1.5
      molgen sample models/smiles --n 1000 --out decorated.parquet --scaffold 'O=C(N[*])c1ccc([*])cc1'
      molgen sample models/smiles --n 100 --out linked.parquet --link '[*]c1ccncc1.[*]N1CCOCC1'
    """
    from molgen.core.settings import Settings
    from molgen.sampling import sample as run

    asked = [*(set_ or []), *(f"condition.{item}" for item in condition or [])]
    asked += [f"guidance={guidance}"] if guidance is not None else []
    parts = {"scaffold": scaffold, "link": link}  # as they are: a SMILES may read as YAML of another meaning
    wishes = Settings.overrides(asked) | {name: part for name, part in parts.items() if part is not None}
    result = run(
        model,
        n,
        out,
        first=first,
        join=join,
        wishes=wishes,
        seed=seed,
        device=device,
        precision=precision.value,
        compiled=compiled,
        workers=workers_or_all(workers),
    )
    print(f"{result['n']:,} draws, {result['valid']:,} valid ({100 * result['valid'] / result['n']:.1f} %)")
    for reason, count in result["reasons"].items():
        print(f"  {count:>8,}  {reason}")
    print(f"samples: {out}")
