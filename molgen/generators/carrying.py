"""The weights of a sequence model in one with other tokens, another greatest length or other conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from molgen.generators.smiles import SmilesModel

BY_TOKEN = ("network.embedding.weight", "network.logits.weight")
BY_PLACE = "network.position.weight"
CONDITIONS = "conditions.code.weight"


@torch.no_grad()
def carry_over(known: SmilesModel, fresh: SmilesModel) -> None:
    """Copies into `fresh` what `known` has learnt of it: of its tokens and places, and all within the network.

    Rows of tokens and places that `known` lacks keep their random values, and conditions (whose bins are quantiles of
    the training data) begin anew unless they are the same. The two must agree in every setting of the network.
    """
    source, target = known.state_dict(), fresh.state_dict()
    shared = [token for token in fresh.vocabulary.tokens if token in set(known.vocabulary.tokens)]
    ours, theirs = ([model.vocabulary.tokens.index(token) for token in shared] for model in (fresh, known))
    for name in BY_TOKEN:
        target[name][ours] = source[name][theirs]
    if BY_PLACE in target:
        places = min(len(target[BY_PLACE]), len(source[BY_PLACE]))
        target[BY_PLACE][:places] = source[BY_PLACE][:places]
    skipped = {*BY_TOKEN, BY_PLACE} | (set() if _same_conditions(known, fresh) else {CONDITIONS})
    for name in (target.keys() & source.keys()) - skipped:
        target[name].copy_(source[name])


def _same_conditions(known: SmilesModel, fresh: SmilesModel) -> bool:
    ours, theirs = fresh.config_values()["conditions"], known.config_values()["conditions"]
    return bool(ours) and list(ours.items()) == list(theirs.items())
