"""Decoding latent vectors: a batch of stack machines driven by the cached decoder, valid at every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from rdkit import Chem
from torch import Tensor

from molgen.chem.parse import BadMolecule, canonical
from molgen.generators.graph_vae.batch import Places, due
from molgen.generators.graph_vae.scaffold import Plan, Scaffold
from molgen.represent.closures import ring_sizes
from molgen.represent.derivations import FIRST_JOIN, START, START_ANYWHERE, Build
from molgen.represent.fragments import assemble

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE


def dtype_of(model: GraphVAE) -> torch.dtype:
    """The precision that a model runs in."""
    return next(model.parameters()).dtype


@torch.inference_mode()
def decode(
    model: GraphVAE,
    z: Float[Tensor, "batch latent"],
    uniforms: np.ndarray | None,
    temperature: float = 1.0,
    around: Sequence[Scaffold] = (),
    largest_ring: int | None = None,
) -> list[Build]:
    """Derivations drawn with uniform numbers (batch, longest); the likeliest actions if there are none.

    With `around`, a scaffold for each, they begin with any of its symbols and hold it. `largest_ring` bounds the rings
    that are closed between single atoms.
    """
    decoder, vectors = model.decoder, model.decoder.vectors()
    builds = [Build(model.grammar) for _ in range(len(z))]
    plans = [Plan(scaffold, build) for scaffold, build in zip(around, builds, strict=False)]
    start = START_ANYWHERE if plans else START
    atoms = np.zeros(len(z), np.int64)
    caches = decoder.empty_cache()
    alive = np.arange(len(z))  # the molecule that each row of the batch builds
    previous = np.full(len(z), start)
    limits = _Limits(model, largest_ring)
    for place in range(model.longest):
        told = np.array([due(builds[i], start) for i in alive])
        columns = torch.from_numpy(np.column_stack([previous, told[:, :3]])).to(z.device)
        states = decoder.step(vectors, Places(*columns.T), caches, place, z)
        for kind in np.unique(told[:, 3]).tolist():
            rows = np.flatnonzero(told[:, 3] == kind)
            logits = decoder.logits(vectors, states[torch.from_numpy(rows).to(z.device)], kind)
            mine = alive[rows].tolist()
            barred = limits.barred([builds[i] for i in mine], atoms[mine], kind, [plans[i] for i in mine if plans])
            logits = logits.masked_fill(torch.from_numpy(barred).to(z.device), -torch.inf)
            chances = None if uniforms is None else torch.from_numpy(uniforms[alive[rows], place]).to(z.device)
            previous[rows] = decoder.action(_choose(logits, chances, temperature), kind).cpu().numpy()
        for row, i in enumerate(alive.tolist()):
            if plans:
                forced = plans[i].forced()
                previous[row] = previous[row] if forced is None else forced
                plans[i].apply(int(previous[row]))
            else:
                builds[i].apply(int(previous[row]))
        atoms[alive] += model.grammar.action_atoms[previous]
        going = np.array([not builds[i].done for i in alive], bool)
        if not going.any():
            break
        if not going.all():
            keep = torch.from_numpy(np.flatnonzero(going)).to(z.device)
            for cache in caches:
                cache.keep(keep)
            alive, previous, z = alive[going], previous[going], z[keep]
    return builds


class _Limits:
    """What may not be done: too little room to close all sites afterwards, a join that does not exist, or one that
    closes too large a ring."""

    def __init__(self, model: GraphVAE, largest_ring: int | None) -> None:
        self.largest_ring = largest_ring
        self.atoms, self.actions, grammar = model.most_atoms, model.longest, model.grammar
        joins = np.arange(FIRST_JOIN, FIRST_JOIN + grammar.joins)
        self.choices = [
            np.concatenate([joins if kind else joins[:0], np.arange(first, last)])
            for kind, (first, last) in enumerate(grammar.classes)
        ]
        self.joins, self.added = grammar.joins, grammar.action_atoms
        self.opened = grammar.action_arity.copy()
        self.opened[joins] = -1  # it fills two sites

    def barred(self, builds: Sequence[Build], atoms: np.ndarray, kind: int, plans: Sequence[Plan]) -> np.ndarray:
        """(rows, choices) bool. Each open site needs one more action and at most one more atom."""
        choices = self.choices[kind]
        opened = np.array([len(b.stack) - (kind > 0) for b in builds])[:, None] + self.opened[choices]
        used = np.array([[atoms[i], len(b.actions) + 1] for i, b in enumerate(builds)])
        if plans:
            used += np.array([plan.reserved() for plan in plans])
        barred = (used[:, 1:] + opened > self.actions) | (used[:, :1] + self.added[choices] + opened > self.atoms)
        if kind:
            joinable = np.array([len(b.joinable()) for b in builds])
            barred[:, : self.joins] |= np.arange(self.joins) >= joinable[:, None]
            if self.largest_ring is not None:
                for row, build in zip(barred, builds, strict=True):
                    sizes = np.array(ring_sizes(build, self.largest_ring)[: self.joins], np.int64)
                    row[: len(sizes)] |= sizes > self.largest_ring
            for row, plan in zip(barred, plans, strict=False):
                free = plan.may_join()[: self.joins]
                row[: len(free)] |= ~np.array(free, bool)
        return barred


def _choose(logits: Tensor, uniform: Tensor | None, temperature: float) -> Tensor:
    """The choice that each uniform number falls on; the likeliest without one or at temperature 0."""
    if uniform is None or temperature == 0:
        return logits.argmax(-1)
    cumulative = torch.softmax(logits.double() / temperature, -1).cumsum(-1)
    return torch.searchsorted(cumulative, (uniform * cumulative[:, -1]).unsqueeze(1), right=True).squeeze(1)


def molecule(build: Build) -> tuple[str | None, str | None]:
    """The canonical SMILES of a derivation, or null and the reason."""
    mol = assemble(build.graph())
    try:
        Chem.SanitizeMol(mol)
        return canonical(Chem.MolToSmiles(mol)), None
    except Chem.MolSanitizeException as error:
        return None, f"chemistry: {error}"
    except BadMolecule as error:
        return None, error.reason
