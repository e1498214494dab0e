"""`ngram`: how often each token followed each context, with back-off to the longest context that was seen.

The model of MOSES (Polykovskiy et al. 2020), with two differences. Theirs is over characters, this one over tokens.
Theirs adds its smoothing to the stored counts at every visit, so that its draws depend on the draws before and get
worse with them; here the counts stay as they are.

Contexts are a tree: the root is the empty context, and a child has one older token more. A context that was seen once
has no children: a longer one could only repeat its single count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from molgen.core import seeds
from molgen.core.settings import Settings
from molgen.data.store import Store, gather
from molgen.generators.counted import NOTHING_KEPT, Keeper, TextModel, chosen
from molgen.represent.tokens import BOS, EOS, PAD, UNKNOWN, Vocabulary

PART = 1 << 22  # tokens whose windows are looked at together


class NgramConfig(Settings):
    """How far back it looks, and what it grants to tokens that it never saw there."""

    order: Annotated[int, Field(ge=1, le=64)] = 10  # tokens of the longest context
    smoothing: Annotated[float, Field(ge=0, le=100)] = 0.01  # added to the count of each token
    room: Annotated[int, Field(ge=0)] = 16  # tokens that a draw may be longer than the longest text of the store


class Ngram(TextModel):
    """Counts of the tokens behind each context of up to `order` tokens, BOS included."""

    name: ClassVar[str] = "ngram"
    Config: ClassVar[type[Settings]] = NgramConfig
    config: NgramConfig

    def __init__(
        self,
        config: NgramConfig,
        vocabulary: Vocabulary,
        longest: int,
        written_in: str,
        arrays: Mapping[str, np.ndarray],
    ) -> None:
        super().__init__(config, vocabulary, longest, written_in)
        self._arrays = dict(arrays)
        size = len(vocabulary)
        self.keys = arrays["parent"].astype(np.int64) * size + arrays["older"]  # of all nodes but the root, ascending
        self.starts = np.concatenate([[0], np.cumsum(arrays["choices"], dtype=np.int64)])  # of each node's counts
        self.granted = np.full(size, config.smoothing)
        self.granted[[PAD, BOS, UNKNOWN]] = 0

    @classmethod
    def fit(cls, config: Settings, store: Store, rows: np.ndarray, seed: int, keeper: Keeper = NOTHING_KEPT) -> Self:
        assert isinstance(config, NgramConfig)
        values, lengths = gather(store.tokens, store.token_offsets, rows)
        ends = np.cumsum(lengths)
        stream = np.insert(values, np.repeat(ends, 2), np.tile(np.array([EOS, BOS], np.uint8), len(ends)))
        stream = np.concatenate([np.array([BOS], np.uint8), stream[:-1]])
        arrays = _counted(stream, config.order, len(store.vocabulary))
        return cls(config, store.vocabulary, store.header["longest"] + config.room, store.notation, arrays)

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        config = NgramConfig.parse(values["settings"], where="config.yaml")
        model = cls(config, Vocabulary(values["vocabulary"]), int(values["longest"]), values["notation"], arrays)
        _check(arrays, config.order, model.keys, len(model.vocabulary))
        return model

    def arrays(self) -> dict[str, np.ndarray]:
        return self._arrays

    def written(self, uniforms: Float[np.ndarray, "batch numbers"]) -> Int[np.ndarray, "batch longest+1"]:
        count, length = uniforms.shape
        ids = np.full((count, length + 1), PAD, np.uint8)
        ids[:, 0] = BOS
        going = np.arange(count)
        for place in range(length):
            tokens = chosen(self.shares(ids[going, : place + 1]), uniforms[going, place])
            ids[going, place + 1] = tokens
            going = going[tokens != EOS]
        return ids[:, 1:]

    def nats(self, texts: Int[np.ndarray, "batch length"]) -> Float[np.ndarray, " batch"]:
        out = np.zeros(len(texts))
        for place in range(1, texts.shape[1]):
            rows = np.flatnonzero(texts[:, place] != PAD)
            shares = self.shares(texts[rows, :place])
            with np.errstate(divide="ignore"):  # without smoothing, what never followed is impossible
                out[rows] += np.log(shares[np.arange(len(rows)), texts[rows, place]] / shares.sum(1))
        return out

    def shares(self, contexts: Int[np.ndarray, "batch length"]) -> Float[np.ndarray, "batch vocabulary"]:
        """Smoothed counts of what follows each context, its end being the last column."""
        nodes = self._nodes(contexts)
        tokens, numbers = gather(self._arrays["token"], self.starts, nodes)
        counts, _ = gather(self._arrays["count"], self.starts, nodes)
        out = np.tile(self.granted, (len(nodes), 1))
        out[np.repeat(np.arange(len(nodes)), numbers), tokens] += counts
        return out

    def _nodes(self, contexts: Int[np.ndarray, "batch length"]) -> Int[np.ndarray, " batch"]:
        """The longest end of each context that was seen, of at most `order` tokens."""
        nodes = np.zeros(len(contexts), np.int64)
        going = np.arange(len(contexts))
        for depth in range(1, min(self.config.order, contexts.shape[1]) + 1):
            keys = nodes[going] * len(self.vocabulary) + contexts[going, -depth]
            places = np.searchsorted(self.keys, keys)
            seen = self.keys[np.minimum(places, len(self.keys) - 1)] == keys
            going = going[seen]
            nodes[going] = places[seen] + 1
        return nodes


def _counted(stream: Int[np.ndarray, " tokens"], order: int, size: int) -> dict[str, np.ndarray]:
    """The tree of texts laid end to end, each from BOS to EOS: nodes by depth, then by parent, then by older token."""
    at, times = _windows(stream, order, size)
    node = np.zeros(len(at), np.int64)  # of the end of its context that is `depth` long
    first, depths = 0, []
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("parent", "older", "choices", "token", "count")}
    for depth in range(order + 1):
        older = stream[at - depth].astype(np.int64) if depth else np.zeros(len(at), np.int64)
        pairs, inverse = np.unique((node * size + older) * size + stream[at], return_inverse=True)
        counts = np.bincount(inverse, times, len(pairs)).astype(np.int64)
        contexts, starts, choices = np.unique(pairs // size, return_index=True, return_counts=True)
        own = np.repeat(np.arange(len(contexts)), choices)  # of each pair, the context
        found["token"].append((pairs % size).astype(np.uint8))
        found["count"].append(counts.astype(np.int32))
        found["choices"].append(choices.astype(np.int32))
        if depth:
            found["parent"].append((contexts // size).astype(np.int32))
            found["older"].append((contexts % size).astype(np.uint8))
        depths.append(len(contexts))
        repeated = np.add.reduceat(counts, starts)[own] > 1 if len(at) else np.zeros(0, bool)
        goes_on = repeated[inverse] & (older != BOS)
        node = (first + own[inverse])[goes_on]
        at, times = at[goes_on], times[goes_on]
        first += len(contexts)
    return {name: np.concatenate(parts) for name, parts in found.items()} | {"depths": np.array(depths)}


def _windows(stream: Int[np.ndarray, " tokens"], order: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct window (a token and up to `order` before it, BOS the first) stands, and how often it occurs.

    There are far fewer of them than tokens. They are told apart by 64 random bits for each token at each place, of
    which a window has the exclusive or: of ten million windows, some two are confused once in 300,000 streams.
    """
    bits = seeds.numpy_generator(0, "ngram").integers(2**64, size=(order + 1, size), dtype=np.uint64)
    known, at, times = np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
    for start in range(0, len(stream), PART):
        ends = start + np.flatnonzero(stream[start : start + PART] != BOS)
        marks = bits[0, stream[ends]]
        going = np.arange(len(ends))
        for depth in range(1, order + 1):
            older = stream[ends[going] - depth]
            marks[going] ^= bits[depth, older]
            going = going[older != BOS]
        marks, at = np.concatenate([known, marks]), np.concatenate([at, ends])
        times = np.concatenate([times, np.ones(len(ends), np.int64)])
        known, places, inverse = np.unique(marks, return_index=True, return_inverse=True)
        at, times = at[places], np.bincount(inverse, times, len(known)).astype(np.int64)
    return at, times


def _check(arrays: Mapping[str, np.ndarray], order: int, keys: np.ndarray, size: int) -> None:
    """Refuses arrays that are not of one tree."""
    nodes = len(arrays["choices"])
    if len(arrays["depths"]) != order + 1 or arrays["depths"].sum() != nodes:
        raise ValueError("depths")
    if len(keys) != nodes - 1 or (np.diff(keys) <= 0).any():
        raise ValueError("parent")
    if not len(arrays["token"]) == len(arrays["count"]) == arrays["choices"].sum() or arrays["token"].max() >= size:
        raise ValueError("token")
