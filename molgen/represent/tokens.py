"""SMILES as tokens: one token an atom, bond, branch or ring-closure symbol, and the vocabulary of a data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from molgen.core.errors import ArtifactError

# A bracket atom is one token, as are two-letter elements and two-digit ring closures (%10).
TOKEN = re.compile(r"\[[^\]\n]*\]|Br|Cl|%\d\d|[^\n]|\n")

PAD, BOS, EOS, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unknown>")
MAX_TOKENS = 256  # ids are stored as uint8


def tokenize(smiles: str) -> list[str]:
    """The tokens of a SMILES; joined they are the SMILES again."""
    return TOKEN.findall(smiles)


class Vocabulary:
    """The tokens of a training set, most frequent first, behind the four special ones."""

    def __init__(self, tokens: Sequence[str]) -> None:
        if tuple(tokens[: len(SPECIAL)]) != SPECIAL or len(set(tokens)) != len(tokens) or len(tokens) > MAX_TOKENS:
            raise ArtifactError("vocabulary: not one of molgen's; the model or store is damaged, make it again")
        self.tokens = tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    @classmethod
    def learn(cls, counts: Mapping[str, int]) -> Vocabulary:
        """From token counts, ties in alphabetical order; past 252 tokens the rarest are left out."""
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls([*SPECIAL, *ordered[: MAX_TOKENS - len(SPECIAL)]])

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, smiles: str) -> np.ndarray:
        """Token ids, uint8, without BOS and EOS; a token not in the vocabulary becomes UNKNOWN."""
        ids = self._ids
        return np.fromiter((ids.get(t, UNKNOWN) for t in tokenize(smiles)), np.uint8)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids without special tokens."""
        return "".join(map(self.tokens.__getitem__, ids))
