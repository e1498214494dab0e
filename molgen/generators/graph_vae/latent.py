"""The latent space as a tool: molecules to vectors and back, neighbours, paths between two, steps uphill.

Molecules that cannot be encoded are NaN rows with a reason; they never stop a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from molgen.chem.parse import BadMolecule, canonical
from molgen.core.errors import InputError, SettingsError, nearest
from molgen.generators.base import Samples
from molgen.generators.graph_vae.sampling import decode, dtype_of, molecule
from molgen.nn.graph_encoder import Atoms
from molgen.represent.fragments import Fragmenter
from molgen.represent.graphs import Graph, GraphArrays, graph_of

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE

BATCH = 512  # molecules encoded or decoded at a time


class Encoded(NamedTuple):
    """Posterior means, and for each molecule null or the reason why it has none (its row is NaN)."""

    vectors: Float[Tensor, "batch latent"]
    reasons: list[str | None]


class Posterior(NamedTuple):
    """Means and log-variances, and the reasons as in `Encoded`."""

    mean: Float[Tensor, "batch latent"]
    log_variance: Float[Tensor, "batch latent"]
    reasons: list[str | None]


def encode(model: GraphVAE, smiles: Sequence[str]) -> Encoded:
    """The posterior mean of each molecule."""
    mean, _, reasons = posterior(model, smiles)
    return Encoded(mean, reasons)


@torch.inference_mode()
def posterior(model: GraphVAE, smiles: Sequence[str], own: bool = False) -> Posterior:
    """The Gaussian posterior of each molecule. Those that are the model's `own` draws are not asked whether it can
    write them."""
    size = (2, len(smiles), model.config.latent)
    vectors = torch.full(size, torch.nan, device=model.device, dtype=dtype_of(model))
    fragmenter = None if own else model.fragmenter()
    graphs: dict[int, Graph] = {}
    reasons: list[str | None] = []
    for i, text in enumerate(smiles):
        try:
            graph = _writable(model, fragmenter, text) if fragmenter else graph_of(text)
            graphs[i] = _encodable(model, graph)
            reasons.append(None)
        except BadMolecule as error:
            reasons.append(str(error))
    rows = list(graphs)
    for first in range(0, len(rows), BATCH):
        part = rows[first : first + BATCH]
        batch = _atoms(model, [graphs[i] for i in part])
        vectors[:, part] = torch.stack(model.encoder(batch.to(model.device))).to(vectors.dtype)
    return Posterior(vectors[0], vectors[1], reasons)


def decoded(
    model: GraphVAE,
    vectors: Float[Tensor, "batch latent"],
    uniforms: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Samples:
    """The molecule of each vector: drawn with uniform numbers (batch, actions), or the likeliest actions."""
    draws: list[tuple[str | None, str | None]] = []
    for first in range(0, len(vectors), BATCH):
        rows = slice(first, first + BATCH)
        part = None if uniforms is None else uniforms[rows]
        finite = vectors[rows].isfinite().all(1).tolist()
        builds = decode(model, vectors[rows].nan_to_num(), part, temperature)
        draws += [molecule(b) if ok else (None, "not a finite vector") for b, ok in zip(builds, finite, strict=True)]
    return Samples.of(draws)


def path(
    start: Float[Tensor, " latent"], end: Float[Tensor, " latent"], steps: int, spherical: bool
) -> Float[Tensor, "steps latent"]:
    """Points between two vectors, both included: on the line, or on the arc between them (White 2016)."""
    if steps < 2:
        raise SettingsError(f"steps = {steps}: at least 2, the two ends")
    t = torch.linspace(0, 1, steps, dtype=start.dtype, device=start.device)[:, None]
    cosine = torch.nn.functional.cosine_similarity(start.double(), end.double(), dim=0)
    angle = torch.arccos(cosine.clamp(-1, 1)).to(start.dtype)
    if not spherical or angle.sin().abs() < 1e-3:  # (nearly) parallel: the arc is the line
        return (1 - t) * start + t * end
    return (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / torch.sin(angle)


def ascend(
    model: GraphVAE, vectors: Float[Tensor, "batch latent"], name: str, steps: int, size: float
) -> Float[Tensor, "batch latent"]:
    """Vectors moved uphill on the property head: `steps` of length `size` along the gradient; downhill if negative.

    After each step a vector that has left the ball in which a standard normal lies is put back on its surface, since
    neither decoder nor head has seen what is outside.
    """
    head, column = _property(model, name)
    edge = model.config.latent**0.5 + 3
    z = vectors.detach().clone()
    for _ in range(steps):
        with torch.enable_grad():
            z = z.clone().requires_grad_()
            value = head(z)[:, column].sum()
            (slope,) = torch.autograd.grad(value, z)
        z = z.detach() + size * torch.nn.functional.normalize(slope, dim=1)
        z = z * (edge / z.norm(dim=1, keepdim=True)).clamp(max=1)
    return z


@torch.inference_mode()
def predicted(model: GraphVAE, vectors: Float[Tensor, "batch latent"], name: str) -> Float[Tensor, " batch"]:
    """The property head's value in the property's unit."""
    head, column = _property(model, name)
    mean, spread = model.properties[name]
    return head(vectors)[:, column] * spread + mean


def _property(model: GraphVAE, name: str) -> tuple[nn.Module, int]:
    """The property head, and which of its values is this property's."""
    names = list(model.properties)
    if name not in names or model.property_head is None:
        raise InputError(f"property {name!r}: this model did not learn it{nearest(name, names)}")
    return model.property_head, names.index(name)


def _writable(model: GraphVAE, fragmenter: Fragmenter, text: str) -> Graph:
    """The graph of a molecule that the model can write; BadMolecule with the reason otherwise."""
    graph = graph_of(canonical(text))
    derivation = model.grammar.actions_of(fragmenter.of_graph(graph))
    assert graph is not None  # of_graph refused it
    if len(graph.atoms) > model.most_atoms or len(derivation) > model.longest:
        raise BadMolecule("too large", f"{len(graph.atoms)} atoms, this model writes at most {model.most_atoms}")
    return graph


def _encodable(model: GraphVAE, graph: Graph | None) -> Graph:
    """The graph, if the encoder knows each of its atoms; BadMolecule with the reason otherwise."""
    if graph is None or not graph.atoms:
        raise BadMolecule("no graph")
    strange = [str(atom) for atom in graph.atoms if atom not in model.atom_types]
    if strange:
        raise BadMolecule("unknown atom", f"{strange[0]}: the training set never had it")
    return graph


def _atoms(model: GraphVAE, graphs: Sequence[Graph]) -> Atoms:
    ids = {atom: i for i, atom in enumerate(model.atom_types)}
    counts = np.array([len(g.atoms) for g in graphs])
    firsts = np.repeat(np.cumsum(counts) - counts, [len(g.bonds) for g in graphs])
    bonds = np.concatenate([g.bonds.astype(np.int64) for g in graphs])
    bonds[:, :2] += firsts[:, None]
    atoms = np.array([ids[atom] for g in graphs for atom in g.atoms], np.int64)
    return Atoms.of(GraphArrays(atoms, bonds, counts, np.array([len(g.bonds) for g in graphs])))
