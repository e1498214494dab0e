"""`smiles`: a decoder-only transformer over SMILES tokens, with exact likelihoods and cached, batched sampling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from molgen.chem.parse import BadMolecule, canonical
from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.base import Loss, NeuralGenerator, Samples
from molgen.nn.transformer import Shape, Transformer
from molgen.represent.tokens import BOS, EOS, PAD, UNKNOWN, Vocabulary

GROUP = 64  # sequences a rectangle: fewer would waste less on padding but run smaller matmuls


class SmilesConfig(Settings):
    """Size of the network, and how it is drawn from."""

    width: Annotated[int, Field(ge=8, le=4096)] = 256
    layers: Annotated[int, Field(ge=1, le=64)] = 6
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    feedforward: Annotated[int, Field(ge=1, le=16)] = 5  # width of the feed-forward layer, in widths
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    room: Annotated[int, Field(ge=0)] = 16  # tokens that a draw may be longer than the longest SMILES of the store
    sampling_batch: Annotated[int, Field(ge=1)] = 512


class TokenBatch(NamedTuple):
    """Rectangles of token ids laid end to end, and their shapes. Each sequence is BOS, tokens, EOS, then PAD."""

    inputs: Tensor
    targets: Tensor
    shapes: list[Shape]


class SmilesTransformer(NeuralGenerator):
    """A distribution over SMILES, one token after the other."""

    name: ClassVar[str] = "smiles"
    Config: ClassVar[type[Settings]] = SmilesConfig
    config: SmilesConfig

    def __init__(self, config: SmilesConfig, vocabulary: Vocabulary, longest: int) -> None:
        super().__init__()
        if config.width % config.heads:
            raise SettingsError(f"model.width = {config.width}: must be a multiple of heads = {config.heads}")
        self.config, self.vocabulary = config, vocabulary
        self.longest = longest  # tokens of a SMILES, without BOS and EOS
        self.network = Transformer(
            len(vocabulary),
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            feedforward=config.feedforward * config.width,
            dropout=config.dropout,
            longest=longest + 1,
        )
        never = torch.zeros(len(vocabulary), dtype=torch.bool)
        never[[PAD, BOS, UNKNOWN]] = True
        self.never: Tensor
        self.register_buffer("never", never, persistent=False)  # tokens that no text holds

    @classmethod
    def build(cls, config: Settings, store: Store) -> Self:
        assert isinstance(config, SmilesConfig)
        return cls(config, store.vocabulary, store.header["longest"] + config.room)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        config = SmilesConfig.parse(values["settings"], where="config.yaml")
        return cls(config, Vocabulary(values["vocabulary"]), int(values["longest"]))

    def config_values(self) -> dict[str, Any]:
        return {
            "settings": self.config.values(),
            "longest": self.longest,
            "vocabulary": list(self.vocabulary.tokens),
        }

    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        rows = rows[store.token_lengths(rows) <= self.longest]
        if store.header["unknown_tokens"]:
            places = np.flatnonzero(np.asarray(store.tokens) == UNKNOWN)
            rows = np.setdiff1d(rows, np.searchsorted(store.token_offsets, places, side="right") - 1)
        return rows

    def collate(self, store: Store, rows: np.ndarray) -> TokenBatch:
        rows = rows[np.argsort(store.token_lengths(rows), kind="stable")]
        groups = np.array_split(rows, -(-len(rows) // GROUP))
        return _token_batch(store.token_rectangle(g, before=BOS, after=EOS, pad=PAD) for g in groups)

    def loss(self, batch: TokenBatch) -> Loss:
        """Nats of the batch's tokens, EOS included; divided by their number."""
        total = F.cross_entropy(self._logits(batch), batch.targets, ignore_index=PAD, reduction="sum")
        return Loss(total, int((batch.targets != PAD).sum()))

    def log_prob(self, smiles: Sequence[str]) -> Float[Tensor, " batch"]:
        """Total log-probability of each text, in nats: exact for this spelling of the molecule, EOS included.

        -inf for a text with a token off the vocabulary or longer than the model can write. Differentiable.
        """
        ids = [self.vocabulary.encode(s) for s in smiles]
        known = [i for i, t in enumerate(ids) if len(t) <= self.longest and not (t == UNKNOWN).any()]
        out = torch.full((len(smiles),), -torch.inf, device=self.device)
        if known:
            rectangle = np.full((len(known), max(len(ids[i]) for i in known) + 2), PAD, np.uint8)
            for row, i in zip(rectangle, known, strict=True):
                row[: len(ids[i]) + 2] = [BOS, *ids[i], EOS]
            batch = _to(_token_batch([rectangle]), self.device)
            nats = F.cross_entropy(self._logits(batch), batch.targets, ignore_index=PAD, reduction="none")
            totals = -nats.view(len(known), -1).sum(1)
            out = out.to(totals.dtype).index_put((torch.tensor(known, device=self.device),), totals)
        return out

    def _logits(self, batch: TokenBatch) -> Float[Tensor, "tokens vocabulary"]:
        return self._possible(self.network(batch.inputs, batch.shapes))

    def _possible(self, logits: Float[Tensor, "tokens vocabulary"]) -> Float[Tensor, "tokens vocabulary"]:
        """Logits in float32 or better, -inf for the tokens that no text holds."""
        precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return precise.masked_fill(self.never, -torch.inf)

    @torch.inference_mode()
    def sample(self, n: int, *, seed: int, first: int = 0) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered."""
        smiles: list[str | None] = []
        reasons: list[str | None] = []
        for start in range(first, first + n, self.config.sampling_batch):
            stop = min(start + self.config.sampling_batch, first + n)
            for text in self._draw(np.arange(start, stop), seed):
                try:
                    found, reason = (canonical(text), None) if text is not None else (None, "no end within the length")
                except BadMolecule as error:
                    found, reason = None, error.reason
                smiles.append(found)
                reasons.append(reason)
        return Samples(smiles, reasons)

    def _draw(self, draws: np.ndarray, seed: int) -> list[str | None]:
        """The texts of some draws; null where a draw did not end. Finished sequences leave the batch."""
        length = self.longest + 1
        uniforms = torch.from_numpy(seeds.uniforms(seeds.child(seed, "smiles"), draws, length)).to(self.device)
        caches = self.network.empty_cache()
        written = torch.full((len(draws), length), PAD, dtype=torch.long, device=self.device)
        alive = torch.arange(len(draws), device=self.device)  # row of `written` that each sequence of the batch fills
        tokens = torch.full_like(alive, BOS)
        ended = torch.zeros_like(alive, dtype=torch.bool)
        for place in range(length):
            logits = self._possible(self.network.step(tokens, caches, place))
            tokens = choose(logits, uniforms[alive, place])
            written[alive, place] = tokens
            ended |= tokens == EOS
            going = int((~ended).sum())
            if not going:
                break
            if going <= 0.8 * len(alive):  # moving the cache costs about as much as a step
                keep = (~ended).nonzero().squeeze(1)
                for cache in caches:
                    cache.keep(keep)
                alive, tokens, ended = alive[keep], tokens[keep], ended[keep]
        return [self._text(row) for row in written.tolist()]

    def _text(self, ids: list[int]) -> str | None:
        return self.vocabulary.decode(ids[: ids.index(EOS)]) if EOS in ids else None


def choose(logits: Float[Tensor, "batch vocabulary"], uniform: Float[Tensor, " batch"]) -> Tensor:
    """The token that each uniform number in [0, 1) falls on: the inverse of the cumulative distribution."""
    cumulative = torch.softmax(logits.double(), -1).cumsum(-1)
    return torch.searchsorted(cumulative, (uniform * cumulative[:, -1]).unsqueeze(1), right=True).squeeze(1)


def _token_batch(rectangles: Sequence[np.ndarray] | Iterator[np.ndarray]) -> TokenBatch:
    """Rectangles that start with BOS as inputs and, one place on, targets."""
    pieces = [torch.from_numpy(r.astype(np.int64)) for r in rectangles]
    inputs, targets = [p[:, :-1] for p in pieces], [p[:, 1:] for p in pieces]
    shapes = [(p.shape[0], p.shape[1]) for p in inputs]
    return TokenBatch(torch.cat([p.flatten() for p in inputs]), torch.cat([p.flatten() for p in targets]), shapes)


def _to(batch: TokenBatch, device: torch.device) -> TokenBatch:
    return TokenBatch(batch.inputs.to(device), batch.targets.to(device), batch.shapes)
