"""Markov chains towards properties that were asked for: how far a draw is from them, and which moves are taken.

A chain over draws x whose moves leave a model's distribution p(x) as it is keeps, by Metropolis' rule,

    p(x) * product over the wishes k of N(y_k; property k of x, s_k^2) ^ guidance

with s_k half a standard deviation of the training molecules. The properties are those of the molecule itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float
from rdkit import Chem

from molgen.chem.descriptors import DESCRIPTORS

SPREAD = 0.5  # s, in standard deviations
FAR, TINY = 1e12, 1e-300  # in the place of infinity and of zero


def distance(
    smiles: Sequence[str | None],
    wishes: Mapping[str, float | Float[np.ndarray, " draws"]],
    deviations: Mapping[str, float],
) -> Float[np.ndarray, " draws"]:
    """Minus the log of how well each draw meets the wishes, up to a constant; infinite for one that is no molecule.

    A wish is one value, or one for each draw (nan: not asked). `deviations` are those of the training molecules.
    """
    total = np.array([np.inf if text is None else 0.0 for text in smiles])
    mols = [None if text is None else Chem.MolFromSmiles(text) for text in smiles]
    for name, wish in wishes.items():
        values = np.array([np.nan if mol is None else DESCRIPTORS[name](mol) for mol in mols])
        total += np.nan_to_num(np.square((values - wish) / (SPREAD * deviations[name])) / 2)
    return total


def taken(
    far: Float[np.ndarray, " draws"], there: Float[np.ndarray, " draws"], luck: Float[np.ndarray, " draws"]
) -> Bool[np.ndarray, " draws"]:
    """Which moves from distance `far` to distance `there` (each times the guidance) are made; `luck` is uniform."""
    return (there <= far) | (np.log(luck + TINY) < np.minimum(far, FAR) - np.minimum(there, FAR))
