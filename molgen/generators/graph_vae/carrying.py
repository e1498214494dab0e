"""A trained graph VAE's weights in a model for other molecules: what stands for the same thing is copied."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import torch

from molgen.represent.derivations import FIRST_JOIN

if TYPE_CHECKING:
    from molgen.generators.graph_vae.model import GraphVAE


@torch.no_grad()
def carry_over(known: GraphVAE, fresh: GraphVAE) -> None:
    """Copies into `fresh` what `known` has learnt of its symbols, their sites, atom types, places and properties, and
    all within the networks. Rows of what `known` lacks keep their random values."""
    source, ours, theirs = known.state_dict(), _labels(fresh), _labels(known)
    for name, weight in fresh.state_dict().items():
        if name not in source:
            continue
        if name not in ours:
            weight.copy_(source[name])
            continue
        row = {label: i for i, label in enumerate(theirs[name])}
        shared = [(i, row[label]) for i, label in enumerate(ours[name]) if label in row]
        to, of = torch.tensor(shared, dtype=torch.long).reshape(-1, 2).T
        weight[to] = source[name][of]


def _labels(model: GraphVAE) -> dict[str, Sequence[Hashable]]:
    """For each weight whose rows belong to a vocabulary: what each row stands for."""
    grammar, first = model.grammar, FIRST_JOIN + model.grammar.joins
    texts, bare = grammar.texts, list(range(first))  # starts and joins are actions without a symbol
    entries = zip(grammar.action_symbol[first:].tolist(), grammar.action_entry[first:].tolist(), strict=True)
    actions = [*bare, *((texts[symbol], entry) for symbol, entry in entries)]
    properties = list(model.properties)
    return {
        "decoder.symbol": [*texts, *bare],
        "decoder.entry": actions,
        "decoder.bias": actions,
        "decoder.place.weight": range(model.longest),
        "encoder.gine.atoms.weight": model.atom_types,
        "property_head.2.weight": properties,
        "property_head.2.bias": properties,
    }
