"""`hmm`: a hidden Markov model over tokens, fitted by Baum and Welch's method on batches.

A text is a walk over hidden states from a first one to the end; each state on the way writes a token. The end is one
state more, which writes EOS. What is re-estimated after a batch is the running mean of the expected counts, in which
batch t has the weight (t + 2)^-forgetting (stepwise EM: Cappé and Moulines, J. R. Stat. Soc. B 2009, 71, 593, eq. 11),
so that one pass over many molecules does what many passes over a few would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from molgen.core import seeds
from molgen.core.settings import Settings
from molgen.data.store import Store, gather
from molgen.generators.counted import NOTHING_KEPT, Keeper, TextModel, chosen
from molgen.represent.tokens import BOS, EOS, PAD, UNKNOWN, Vocabulary

OWN = 0.9  # of what a state writes at the beginning: the share of its own token


class HmmConfig(Settings):
    """How many states, and how long they are fitted."""

    states: Annotated[int, Field(ge=1, le=4096)] = 200
    molecules: Annotated[int, Field(ge=1)] = 1_000_000  # seen in all, repeats counted
    batch: Annotated[int, Field(ge=1)] = 500
    forgetting: Annotated[float, Field(gt=0.5, le=1)] = 0.7  # the less, the sooner early batches are forgotten
    smoothing: Annotated[float, Field(ge=0)] = 1e-8  # added to each expected count a molecule
    room: Annotated[int, Field(ge=0)] = 16  # tokens that a draw may be longer than the longest text of the store


class Chances(NamedTuple):
    """Probabilities, or the expected counts that they are estimated from. The last state is the end."""

    start: Float[np.ndarray, " states"]  # of the first state
    moves: Float[np.ndarray, "states states"]  # from a row's state to a column's
    emits: Float[np.ndarray, "states tokens"]  # of the token that a state writes

    def __add__(self, other: Chances) -> Chances:  # type: ignore[override]
        return Chances(*(a + b for a, b in zip(self, other, strict=True)))

    def __mul__(self, factor: float) -> Chances:  # type: ignore[override]
        return Chances(*(factor * a for a in self))


class Hmm(TextModel):
    """First states, moves between states, and the tokens that states write."""

    name: ClassVar[str] = "hmm"
    Config: ClassVar[type[Settings]] = HmmConfig
    uniforms_a_token: ClassVar[int] = 2
    config: HmmConfig

    def __init__(
        self, config: HmmConfig, vocabulary: Vocabulary, longest: int, written_in: str, chances: Chances
    ) -> None:
        super().__init__(config, vocabulary, longest, written_in)
        self.stored = Chances(*(part.astype(np.float32) for part in chances))
        self.chances = _normalised(Chances(*(part.astype(np.float64) for part in self.stored)))

    @classmethod
    def fit(cls, config: Settings, store: Store, rows: np.ndarray, seed: int, keeper: Keeper = NOTHING_KEPT) -> Self:
        assert isinstance(config, HmmConfig)
        kept = keeper.begin(config.molecules)
        batches = int(kept["batches"][0]) if kept else 0
        expected = Chances(*(kept[k] for k in Chances._fields)) if kept else _beginning(config, store, rows, seed)
        for number, batch in enumerate(_batches(config, rows, seed)):
            if number < batches:
                continue
            texts = store.token_rectangle(batch, before=BOS, after=EOS, pad=PAD)[:, 1:]
            found, nats = expected_counts(_estimated(expected, config.smoothing), texts)
            weight = (number + 2.0) ** -config.forgetting
            expected = expected * (1 - weight) + found * (weight / len(batch))
            state = expected._asdict() | {"batches": np.array([number + 1])}
            loss = -nats.sum() / (texts != PAD).sum()
            keeper.done(len(batch), lambda state=state: state, f"loss {loss:.4f}")  # type: ignore[misc]
        chances = _estimated(expected, config.smoothing)
        return cls(config, store.vocabulary, store.header["longest"] + config.room, store.notation, chances)

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        config = HmmConfig.parse(values["settings"], where="config.yaml")
        vocabulary, chances = Vocabulary(values["vocabulary"]), Chances(*(arrays[k] for k in Chances._fields))
        count = config.states + 1
        for name, size in (("start", (count,)), ("moves", (count, count)), ("emits", (count, len(vocabulary)))):
            part = getattr(chances, name)
            if part.shape != size or not (np.isfinite(part) & (part >= 0)).all() or not (part.sum(-1) > 0).all():
                raise ValueError(name)
        return cls(config, vocabulary, int(values["longest"]), values["notation"], chances)

    def arrays(self) -> dict[str, np.ndarray]:
        return self.stored._asdict()

    def written(self, uniforms: Float[np.ndarray, "batch numbers"]) -> Int[np.ndarray, "batch longest+1"]:
        count, length = len(uniforms), uniforms.shape[1] // 2
        ids = np.full((count, length), PAD, np.uint8)
        going, shares = np.arange(count), np.tile(self.chances.start, (count, 1))
        for place in range(length):
            states = chosen(shares, uniforms[going, 2 * place])
            ids[going, place] = chosen(self.chances.emits[states], uniforms[going, 2 * place + 1])
            on = states < self.config.states
            going, shares = going[on], self.chances.moves[states[on]]
        return ids

    def nats(self, texts: Int[np.ndarray, "batch length"]) -> Float[np.ndarray, " batch"]:
        order = np.argsort(-(texts != PAD).sum(1), kind="stable")
        out = np.empty(len(texts))
        out[order] = _forward(self.chances, texts[order, 1:])[2]
        return out


def expected_counts(
    chances: Chances, texts: Int[np.ndarray, "batch length"]
) -> tuple[Chances, Float[np.ndarray, " batch"]]:
    """How often each move and emission is expected to have been made, in all texts, and each text's log-probability.

    Texts end with EOS and are filled up with PAD; in float32, in which the scaled recursions lose nothing that matters.
    """
    order = np.argsort(-(texts != PAD).sum(1), kind="stable")
    texts = texts[order]
    chances = Chances(*(part.astype(np.float32) for part in chances))
    before, scales, nats = _forward(chances, texts)
    onto, back = chances.emits.T.copy(), chances.moves.T.copy()
    start, moves, emits = (np.zeros_like(part) for part in chances)
    after = np.empty((0, len(chances.start)), np.float32)  # of the texts that go on at a place: what follows it
    for place in range(len(before) - 1, -1, -1):
        here, tokens = before[place], texts[: len(before[place]), place]
        after = np.concatenate([after, np.ones((len(here) - len(after), here.shape[1]), np.float32)])
        share = here * after  # of each state, given the whole text
        emits += share.T @ np.eye(emits.shape[1], dtype=np.float32)[tokens]
        if place:
            after = after * onto[tokens] / scales[place][:, None]
            moves += before[place - 1][: len(here)].T @ after
            after = after @ back
        else:
            start += share.sum(0)
    out = np.empty(len(texts))
    out[order] = nats
    return Chances(start.astype(float), (moves * chances.moves).astype(float), emits.astype(float)), out


def _forward(
    chances: Chances, texts: Int[np.ndarray, "batch length"]
) -> tuple[list[np.ndarray], list[np.ndarray], Float[np.ndarray, " batch"]]:
    """For texts by falling length: at each place, of the texts that reach it, the share of each state given what is
    written so far, and the probability of the token there; and each text's log-probability."""
    onto = chances.emits.T.copy()
    states: list[np.ndarray] = []
    scales: list[np.ndarray] = []
    nats = np.zeros(len(texts))
    for place, reach in enumerate((texts != PAD).sum(0)[: (texts != PAD).sum(1).max(initial=0)]):
        follows = states[-1][:reach] @ chances.moves if place else np.tile(chances.start, (reach, 1))
        states.append(follows * onto[texts[:reach, place]])
        scales.append(states[-1].sum(1))
        with np.errstate(divide="ignore", invalid="ignore"):  # without smoothing there are texts that cannot be
            states[-1] /= np.where(scales[-1] > 0, scales[-1], 1)[:, None]
            nats[:reach] += np.log(scales[-1], dtype=np.float64)
    return states, scales, nats


def _beginning(config: HmmConfig, store: Store, rows: np.ndarray, seed: int) -> Chances:
    """Counts to begin with: each state mostly writes a token of its own, frequent tokens have more states, and moves
    go anywhere, by chance."""
    tokens = np.bincount(gather(store.tokens, store.token_offsets, rows)[0], minlength=len(store.vocabulary))
    tokens = tokens / tokens.sum()
    places = (np.arange(config.states) + 0.5) / config.states
    own = np.searchsorted(np.cumsum(np.sqrt(tokens)) / np.sqrt(tokens).sum(), places)
    emits = np.zeros((config.states + 1, len(tokens)))
    emits[:-1] = (1 - OWN) * tokens
    emits[np.arange(config.states), own] += OWN
    emits[-1, EOS] = 1
    usual = tokens[own] / np.bincount(own)[own]  # how often a state is visited
    chance = seeds.numpy_generator(seed, "hmm")
    moves = np.zeros((config.states + 1, config.states + 1))
    moves[:, :-1] = usual * chance.exponential(size=(config.states + 1, config.states))
    moves /= moves.sum(1, keepdims=True)
    start, moves[:-1, -1] = moves[-1].copy(), 1 / store.token_lengths(rows).mean()
    moves[-1], moves[-1, -1] = 0, 1
    return Chances(start, moves, emits)


def _batches(config: HmmConfig, rows: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Rows in the order of their epoch, until `molecules` are seen."""
    left, epoch = config.molecules, 0
    while True:
        order = rows[seeds.numpy_generator(seed, "epoch", epoch).permutation(len(rows))]
        for first in range(0, len(order), config.batch):
            yield (batch := order[first : first + config.batch][:left])
            left -= len(batch)
            if not left:
                return
        epoch += 1


def _estimated(expected: Chances, smoothing: float) -> Chances:
    """The probabilities that make expected counts likeliest. Only the end writes EOS, and it writes nothing else."""
    start, moves, emits = (part + smoothing for part in expected)
    start[-1] = 0
    emits[:, [PAD, BOS, UNKNOWN, EOS]] = 0
    moves[-1], emits[-1] = 0, 0
    moves[-1, -1] = emits[-1, EOS] = 1
    return _normalised(Chances(start, moves, emits))


def _normalised(chances: Chances) -> Chances:
    return Chances(*(part / part.sum(-1, keepdims=True) for part in chances))
