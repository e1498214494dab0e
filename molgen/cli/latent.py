"""`molgen latent`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molgen.cli.options import Out, Seed

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True)
Model = Annotated[str, typer.Argument(help="Folder or shipped name of a model with a latent space (graph-vae).")]
Smiles = Annotated[str, typer.Argument(help="A molecule.", metavar="SMILES")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, ...")]
File = Annotated[Path, typer.Argument(help="Molecules: .smi, .smi.gz, or .parquet with a column `smiles`.")]


@app.callback()
def latent() -> None:
    """Use a model's latent space: vectors, neighbours, paths, steps uphill."""


@app.command()
def encode(model: Model, file: File, out: Out, device: Device = "auto") -> None:
    """The latent vector of each molecule of a file; a row without one says why.

    \b
    Example:
      molgen latent encode models/graph-vae known.smi --out vectors.parquet
    """
    from molgen.latent import encode as run

    counts = run(model, file, out, device=device)
    rows = counts.pop("rows")
    print(f"{rows:,} molecules, {rows - sum(counts.values()):,} vectors")
    for reason, count in counts.items():
        print(f"  {count:>8,}  {reason}")
    print(f"vectors: {out}")


@app.command()
def quality(
    model: Model,
    file: File,
    n: Annotated[int, typer.Option("--n", min=1, help="Molecules, from the first on.")] = 1000,
    device: Device = "auto",
) -> None:
    """How well the latent space holds given molecules: reconstruction, KL divergence, units in use.

    \b
    Example:
      molgen latent quality models/graph-vae test.smi --n 5000
    """
    from molgen.latent import quality as run

    found = run(model, file, n=n, device=device)
    print(f"molecules       {found.molecules:,} ({found.refused:,} refused)")
    print(f"reconstructed   {found.exact:.4f} exactly, mean Tanimoto {found.similarity:.4f}")
    print(f"KL divergence   {found.kl:.2f} nats")
    print(f"active units    {found.active} of {found.units}")


@app.command()
def neighbors(
    model: Model,
    smiles: Smiles,
    n: Annotated[int, typer.Option("--n", min=1, help="Draws; several may give the same molecule.")] = 200,
    radius: Annotated[float, typer.Option("--radius", min=0, help="Of the draws, in posterior deviations.")] = 1.0,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Molecules around one: how often each is drawn, and its Tanimoto similarity.

    \b
    Example:
      molgen latent neighbors models/graph-vae 'CC(=O)Nc1ccccc1' --radius 2
    """
    from molgen.latent import neighbours as run

    for found in sorted(run(model, smiles, n=n, radius=radius, seed=seed, device=device), key=lambda f: -f.draws):
        print(f"{found.draws:>6} {found.similarity:6.3f}  {found.smiles}")


@app.command()
def interpolate(
    model: Model,
    start: Annotated[str, typer.Argument(help="A molecule.", metavar="A")],
    end: Annotated[str, typer.Argument(help="Another molecule.", metavar="B")],
    out: Annotated[Path | None, typer.Option("--out", help="Picture of the path (.svg or .png).")] = None,
    steps: Annotated[int, typer.Option("--steps", min=2, help="Points, both ends included.")] = 9,
    linear: Annotated[bool, typer.Option("--linear", help="On the line rather than on the arc.")] = False,
    device: Device = "auto",
) -> None:
    """The molecules on the way from A to B, with the Tanimoto similarity to the one before.

    \b
    Example:
      molgen latent interpolate models/graph-vae 'CC(=O)Nc1ccccc1' 'COc1ccccc1' --out path.svg
    """
    from molgen.latent import draw_path
    from molgen.latent import interpolate as run

    found = run(model, start, end, steps=steps, spherical=not linear, device=device)
    for i, step in enumerate(found):
        print(f"{i:>3} {step.to_previous:6.3f}  {step.smiles}" if i else f"{i:>3}         {step.smiles}")
    print(f"mean similarity of consecutive steps: {sum(s.to_previous for s in found[1:]) / (len(found) - 1):.3f}")
    if out is not None:
        draw_path(found, out)
        print(f"picture: {out}")


@app.command()
def climb(
    model: Model,
    smiles: Smiles,
    property_: Annotated[str, typer.Option("--property", help="Which of the properties the model learnt.")],
    steps: Annotated[int, typer.Option("--steps", min=1)] = 20,
    size: Annotated[float, typer.Option("--size", help="Of a step; negative goes downhill.")] = 0.3,
    device: Device = "auto",
) -> None:
    """Molecules on the way uphill on a property, by the gradient of the model's own prediction.

    \b
    Example:
      molgen latent climb models/graph-vae 'CC(=O)Nc1ccccc1' --property QED
    """
    from molgen.latent import climb as run

    for i, (text, value) in enumerate(run(model, smiles, property_, steps=steps, size=size, device=device)):
        print(f"{i:>3} {value:9.3f}  {text}")
