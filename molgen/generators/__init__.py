"""The model families: one file a family, one line in this table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from molgen.core.errors import InputError, nearest

if TYPE_CHECKING:
    from molgen.generators.base import NeuralGenerator
    from molgen.generators.counted import CountedGenerator

# family -> (module, class); loaded when it is asked for
FAMILIES = {
    "smiles": ("molgen.generators.smiles", "SmilesModel"),
    "graph-vae": ("molgen.generators.graph_vae.model", "GraphVAE"),
    "graph-diffusion": ("molgen.generators.diffusion.model", "GraphDiffusion"),
    "ngram": ("molgen.generators.ngram", "Ngram"),
    "hmm": ("molgen.generators.hmm", "Hmm"),
    "combinatorial": ("molgen.generators.combinatorial", "Combinatorial"),
    "mixture": ("molgen.generators.mixture", "Mixture"),
}

# those that can be asked for properties (`condition` of `Drawing`); those of them that must have learnt them for it
ASKABLE = frozenset({"smiles", "graph-vae", "graph-diffusion"})
CONDITIONED = frozenset({"smiles", "graph-diffusion"})

# those whose models know likelihoods (`base.Likelihood`): a plan asks this without loading them
LIKELIHOODS = frozenset({"smiles", "graph-diffusion", "ngram", "hmm"})

# trained as a family is, for a model of one: they steer its draws and draw nothing themselves
GUIDES = {
    "graph-diffusion-guide": ("molgen.generators.diffusion.guide", "Guide"),
}


def family(name: str) -> type[NeuralGenerator | CountedGenerator]:
    """The class of a family; an InputError that names the nearest one if there is none."""
    known = FAMILIES | GUIDES
    if name not in known:
        raise InputError(f"unknown family {name!r}{nearest(name, known)}")
    module, class_name = known[name]
    found: type[NeuralGenerator | CountedGenerator] = getattr(import_module(module), class_name)
    return found
