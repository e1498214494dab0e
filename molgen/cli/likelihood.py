"""`molgen likelihood`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed, Workers, workers_or_all

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Spelling(StrEnum):
    """Which of a model's distributions."""

    canonical = "canonical"
    random = "random"


@app.command()
def likelihood(
    model: Annotated[str, typer.Argument(help="Model folder, or the name of a shipped model.")],
    out: Out,
    file: Annotated[Path | None, typer.Argument(help="Molecules: .smi, .smi.gz, or .parquet with `smiles`.")] = None,
    features: Annotated[Path | None, typer.Option("--features", help="A feature store, in place of FILE.")] = None,
    split: Annotated[str, typer.Option("--split", help="The split of the feature store.")] = "test",
    spellings: Annotated[
        int, typer.Option("--spellings", min=1, help="Distinct SMILES of each molecule to add up: a lower bound.")
    ] = 1,
    spelling: Annotated[
        Spelling, typer.Option("--spelling", help="The model's distribution over canonical SMILES, or over all.")
    ] = Spelling.canonical,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, ...")] = "auto",
    workers: Workers = 0,
) -> None:
    """How likely a generator is to write given molecules: total log-probability of each, in nats.

    \b
    Examples:
      molgen likelihood models/smiles known.smi --out likelihoods.parquet
      molgen likelihood models/smiles --features features --split test --out test.parquet
    """
    from molgen.likelihood import Request
    from molgen.likelihood import likelihood as run

    request = Request(spellings, spelling.value, seed)
    found = run(
        model,
        out,
        file=file,
        features=features,
        split=split,
        request=request,
        device=device,
        workers=workers_or_all(workers),
    )
    print(f"{found.molecules:,} molecules, {found.valued:,} that the model can write")
    if found.valued:
        print(f"{found.nats:.3f} nats a molecule, {found.nats_a_token:.4f} a token (perplexity {found.perplexity:.4f})")
    for reason, count in found.reasons.items():
        print(f"  {count:>8,}  {reason}")
    print(f"likelihoods: {out}")
