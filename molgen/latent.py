"""`latent`: the latent space of a trained model as a tool: vectors of molecules, neighbours, paths, how good it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from molgen.chem.parse import canonical
from molgen.core import seeds
from molgen.core.artifacts import Identity, already_made, building, whole_file
from molgen.core.errors import InputError, PartialError
from molgen.core.progress import progress
from molgen.core.tables import LATENTS, Writer, opened
from molgen.generators.folder import load_model, model_folder, read_config
from molgen.scoring.source import Source

if TYPE_CHECKING:
    from torch import Tensor

    from molgen.generators.graph_vae.model import GraphVAE

ACTIVE = 0.01  # variance of a unit's posterior mean over molecules above which it is used (Burda et al. 2016)


class Step(NamedTuple):
    """A point of a path: its molecule (null if it is none), and Tanimoto similarities (ECFP4)."""

    smiles: str | None
    to_previous: float
    to_start: float
    to_end: float


class Neighbour(NamedTuple):
    """A molecule near another one in the latent space."""

    smiles: str
    draws: int  # that gave it
    similarity: float  # Tanimoto, ECFP4


class Quality(NamedTuple):
    """How well a latent space holds molecules it was not trained on."""

    molecules: int
    refused: int
    exact: float  # share whose likeliest decoding is the same molecule (canonical SMILES, without stereo)
    similarity: float  # mean Tanimoto (ECFP4) between a molecule and its decoding
    kl: float  # mean KL divergence of the posterior from a standard normal, nats
    active: int
    units: int


def load(model: str, device: str = "auto") -> GraphVAE:
    """A model with a latent space; an InputError if it has none."""
    family = read_config(model_folder(model))["family"]
    if family != "graph-vae":
        raise InputError(f"{model}: a {family!r} model has no latent space; give one of family graph-vae")
    return load_model(model, device=device)  # type: ignore[return-value]


def encode(model: str, file: Path, out: Path, *, device: str = "auto") -> dict[str, int]:
    """Writes the latent vector of each molecule of a file; returns how many rows there are and why some have none."""
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: latent vectors are a Parquet table; give a name that ends in .parquet")
    identity = Identity.of("latent encode", {}, {"model": model_folder(model), "molecules": file})
    if not already_made(out, identity):
        from molgen.generators.graph_vae.latent import encode as vectors_of

        vae, source = load(model, device), Source(file)
        with (
            building(out, identity) as path,
            Writer(path, LATENTS.schema(), LATENTS) as writer,
            progress("encode", source.rows, "molecules") as bar,
        ):
            for chunk in source.chunks():
                smiles = chunk["smiles"].to_pylist()
                vectors, reasons = vectors_of(vae, [text or "" for text in smiles])
                values = vectors.float().cpu().numpy()
                rows = [None if why else row for why, row in zip(reasons, values, strict=True)]
                writer.write({"smiles": smiles, "latent": rows, "reason": reasons})
                bar.advance(len(smiles))
        if source.damage:
            raise PartialError(source.damage)
    counts: Counter[str] = Counter()
    with opened(out, LATENTS) as table:
        reasons_column = table.read(["reason"])["reason"]
    counts.update(r.split(":")[0] for r in reasons_column.to_pylist() if r is not None)
    return {"rows": len(reasons_column), **dict(counts.most_common())}


def neighbours(
    model: str, smiles: str, *, n: int = 200, radius: float = 1.0, seed: int = 0, device: str = "auto"
) -> list[Neighbour]:
    """Distinct molecules that n draws around a molecule give, the most frequent first.

    A draw is the posterior mean plus normal noise of standard deviation `radius` times the posterior's own.
    """
    import torch

    vae = load(model, device)
    mean, deviation = _posterior(vae, smiles)
    uniforms = torch.from_numpy(seeds.uniforms(seeds.child(seed, "latent", "neighbours"), np.arange(n), len(mean)))
    noise = torch.special.ndtri(uniforms.clamp(1e-12, 1 - 1e-12)).to(mean)
    counts = Counter(text for text in vae.decode(mean + radius * deviation * noise).smiles if text is not None)
    found = list(counts)
    similarity = _similarities([smiles], found)[0] if found else []
    return [Neighbour(text, counts[text], float(s)) for text, s in zip(found, similarity, strict=True)]


def interpolate(
    model: str, start: str, end: str, *, steps: int = 9, spherical: bool = True, device: str = "auto"
) -> list[Step]:
    """The likeliest molecules on the way from one molecule to another."""
    from molgen.generators.graph_vae.latent import path

    vae = load(model, device)
    (a, _), (b, _) = _posterior(vae, start), _posterior(vae, end)
    found = vae.decode(path(a, b, steps, spherical)).smiles
    around = _similarities([start, end], found)
    steps_between = _similarities(found, found)
    return [
        Step(text, float(steps_between[max(i - 1, 0), i]), float(around[0, i]), float(around[1, i]))
        for i, text in enumerate(found)
    ]


def climb(
    model: str, smiles: str, name: str, *, steps: int = 20, size: float = 0.3, device: str = "auto"
) -> list[tuple[str | None, float]]:
    """Molecules on the way uphill on a property that the model predicts from the latent, with the predictions."""
    from molgen.generators.graph_vae.latent import ascend, predicted

    vae = load(model, device)
    z = _posterior(vae, smiles)[0][None]
    found = []
    for step in range(steps + 1):
        z = ascend(vae, z, name, 1, size) if step else z
        found.append((vae.decode(z).smiles[0], float(predicted(vae, z, name))))
    return found


def quality(model: str, file: Path, *, n: int = 1000, device: str = "auto") -> Quality:
    """Reconstruction, KL divergence and active units on the first n molecules of a file."""
    import torch

    from molgen.generators.graph_vae.latent import posterior

    vae, smiles = load(model, device), []
    for chunk in Source(file).chunks():
        smiles += chunk["smiles"].to_pylist()
        if len(smiles) >= n:
            break
    mean, log_variance, reasons = posterior(vae, [text or "" for text in smiles[:n]])
    kept = [i for i, why in enumerate(reasons) if why is None]
    if not kept:
        raise InputError(f"{file}: none of its molecules can be encoded (the first: {reasons[:1]})")
    mean, log_variance = mean[kept], log_variance[kept]
    originals = [_flat(smiles[i]) for i in kept]
    back = vae.decode(mean).smiles
    same = sum(a == b for a, b in zip(originals, back, strict=True))
    similarity = np.mean([_similarities([a], [b])[0, 0] for a, b in zip(originals, back, strict=True)])
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
    active = int((torch.var(mean, 0) > ACTIVE).sum())
    total = len(reasons)
    return Quality(total, total - len(kept), same / len(kept), float(similarity), float(kl), active, vae.config.latent)


def draw_path(steps: list[Step], out: Path) -> None:
    """A picture (.svg or .png) of the molecules of a path, in rows of five."""
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    columns, wide, high = min(5, len(steps)), 260, 220
    rows = -(-len(steps) // columns)
    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out {out}: a picture is .svg or .png")
    kind = rdMolDraw2D.MolDraw2DSVG if out.suffix == ".svg" else rdMolDraw2D.MolDraw2DCairo
    canvas = kind(columns * wide, rows * high, wide, high)
    mols = [Chem.MolFromSmiles(step.smiles or "") for step in steps]
    legends = [f"{i}" + (f"   {step.to_previous:.2f} to the one before" if i else "") for i, step in enumerate(steps)]
    canvas.DrawMolecules(mols, legends=legends)
    canvas.FinishDrawing()
    picture = canvas.GetDrawingText()
    with whole_file(out) as aside:
        aside.write_bytes(picture if isinstance(picture, bytes) else picture.encode())


def _posterior(vae: GraphVAE, smiles: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of one molecule; an InputError with the reason if it cannot be encoded."""
    from molgen.generators.graph_vae.latent import posterior

    mean, log_variance, (reason,) = posterior(vae, [smiles])
    if reason is not None:
        raise InputError(f"{smiles!r}: {reason}")
    return mean[0], (0.5 * log_variance[0]).exp()


def _flat(smiles: str) -> str:
    """Canonical SMILES without stereochemistry, which the latent space does not hold."""
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return canonical(Chem.MolToSmiles(mol))


def _similarities(some: list[str | None] | list[str], others: list[str | None] | list[str]) -> np.ndarray:
    """Tanimoto similarity (ECFP4) of each to each; 0 where there is no molecule."""
    from rdkit import Chem

    from molgen.chem.fingerprints import morgan, tanimoto

    a, b = (morgan([Chem.MolFromSmiles(text) if text else None for text in texts]) for texts in (some, others))
    return tanimoto(a, b)
