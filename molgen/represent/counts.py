"""What can be counted token by token while a SMILES is written: its mass so far, open branches, open rings.

All three are sums over the tokens (rings: of how often each number occurred, odd while it is open), so they cost a
table and a cumulative sum. The mass has the hydrogens that the bonds written so far leave room for; sulfur above
two valences, charged atoms and substituted aromatic nitrogens are some hydrogens off, which a reader can learn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from rdkit import Chem

from molgen.represent.tokens import SPECIAL

VALENCES = {"B": 3, "C": 4, "N": 3, "O": 2, "P": 3, "S": 2, "F": 1, "Cl": 1, "Br": 1, "I": 1}
AROMATIC = {"b": 2, "c": 3, "n": 2, "o": 2, "p": 2, "s": 2}  # bonds beside that of the aromatic electron
HYDROGEN, UNIT = 1.008, 100  # masses are whole hundredths of a dalton: exact whatever the precision of a network

MASS, DEPTH, RINGS = 0, 1, 2  # columns; rings: one for each ring number that occurs


def counts(tokens: Sequence[str]) -> Int[np.ndarray, "tokens counts"]:
    """What each token of a vocabulary adds: hundredths of a dalton, open branches, occurrences of each ring number."""
    numbers = [token for token in tokens if _is_ring(token)]
    table = np.zeros((len(tokens), RINGS + len(numbers)), np.int32)
    for row, token in zip(table, tokens, strict=True):
        row[MASS] = round(UNIT * _mass(token))
        row[DEPTH] = {"(": 1, ")": -1}.get(token, 0)
        if token in numbers:
            row[RINGS + numbers.index(token)] = 1
    return table


def _is_ring(token: str) -> bool:
    return token.isdigit() or token.startswith("%")


def _mass(token: str) -> float:
    """Each atom is bonded to the one before it, which costs a hydrogen at both; the first has none before it."""
    if token in (SPECIAL[1], "."):
        return 2 * HYDROGEN
    if token in ("=", "#", "$"):
        return -2 * HYDROGEN * (1 + "=#$".index(token))
    if _is_ring(token):
        return -HYDROGEN
    table = Chem.GetPeriodicTable()
    if token in VALENCES or token in AROMATIC:
        room = VALENCES.get(token) or AROMATIC[token]
        return table.GetAtomicWeight(token.capitalize()) + (room - 2) * HYDROGEN
    mol = Chem.MolFromSmiles(token, sanitize=False) if token.startswith("[") else None
    if mol is None or mol.GetNumAtoms() != 1:
        return 0.0
    atom = mol.GetAtomWithIdx(0)
    return atom.GetMass() + atom.GetNumExplicitHs() * HYDROGEN  # its own bonds, mostly two, take no hydrogen of it
