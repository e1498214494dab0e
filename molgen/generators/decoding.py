"""Writing sequences token by token with a cached network: drawn at random, or the most likely ones by beam search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from molgen.generators.base import DrawingSettings
from molgen.represent.grammar import Grammar
from molgen.represent.tokens import BOS, EOS, PAD


class Decoding(DrawingSettings):
    """How tokens are chosen."""

    temperature: Annotated[float, Field(gt=0, le=10)] = 1.0  # below 1: fewer surprises
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0  # only the likeliest tokens that hold this share (nucleus)
    grammar: bool = False  # only what can still become a valid SMILES
    beam: bool = False  # the n most likely texts that beam search finds, most likely first, instead of draws

    @property
    def together(self) -> bool:
        """A beam is one search."""
        return self.beam


class Stepped(Protocol):
    """A network that goes one token at a time (`nn.transformer`, `nn.gru`)."""

    def empty_cache(self) -> list[Any]: ...

    def step(self, tokens: Tensor, caches: Sequence[Any], place: int, bias: Tensor | None = None) -> Tensor: ...


class Rules:
    """What a grammar allows each sequence of a batch to go on with."""

    def __init__(self, grammar: Grammar, count: int) -> None:
        self.grammar, self.state = grammar, grammar.start(count)

    def __call__(self, logits: Float[Tensor, "batch vocabulary"], tokens: Int[Tensor, " batch"], place: int) -> Tensor:
        """-inf for what may not follow `tokens`, which were chosen for the place before (BOS for none)."""
        if place:
            self.grammar.advance(self.state, tokens.cpu().numpy())
        allowed = torch.from_numpy(self.grammar.allowed(self.state, self.grammar.longest + 1 - place))
        return logits.masked_fill(~allowed.to(logits.device), -torch.inf)

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Goes on with `rows` of the batch only."""
        self.state = self.grammar.keep(self.state, rows.cpu().numpy())


class Steps:
    """Logits one place after the other for a batch of sequences, with classifier-free guidance where it is asked for.

    Guidance w writes from log p + (w - 1) (log p - log q), p with the wishes and q without (Ho & Salimans 2022); both
    run as one batch of twice the size.
    """

    def __init__(
        self,
        network: Stepped,
        never: Bool[Tensor, " vocabulary"],
        bias: Float[Tensor, "batch width"] | None = None,
        plain: Float[Tensor, "batch width"] | None = None,
        guidance: float = 1.0,
        rules: Rules | None = None,
    ) -> None:
        self.network, self.never, self.guidance = network, never, guidance
        self.guided = plain is not None and guidance != 1.0
        self.bias = torch.cat([bias, plain]) if self.guided and bias is not None and plain is not None else bias
        self.caches, self.rules = network.empty_cache(), rules

    def __call__(self, tokens: Int[Tensor, " batch"], place: int) -> Float[Tensor, "batch vocabulary"]:
        """Logits (float32 or better) of what follows `tokens` at `place`; -inf for what no text holds."""
        logits = self.network.step(tokens.repeat(2) if self.guided else tokens, self.caches, place, self.bias)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if self.guided:
            asked, plain = logits.log_softmax(-1).chunk(2)
            logits = asked + (self.guidance - 1) * (asked - plain)
        logits = logits.masked_fill(self.never, -torch.inf)
        return logits if self.rules is None else self.rules(logits, tokens, place)

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Goes on with `rows` of the batch only (which may repeat one)."""
        if self.rules is not None:
            self.rules.keep(rows)
        if self.guided:
            rows = torch.cat([rows, rows + len(self.bias) // 2])  # type: ignore[arg-type]
        for cache in self.caches:
            cache.keep(rows)
        if self.bias is not None:
            self.bias = self.bias[rows]


class Prompt(NamedTuple):
    """What sequences must begin with: token ids, -1 from where they are free, and what may not come right behind."""

    tokens: Int[Tensor, "batch length"]
    barred: Bool[Tensor, " vocabulary"] | None = None

    @classmethod
    def of(
        cls, ids: Sequence[Sequence[int]], length: int, device: torch.device, barred: Tensor | None = None
    ) -> Prompt:
        """From one list of ids for each sequence."""
        tokens = torch.full((len(ids), length), -1)
        for row, prefix in zip(tokens, ids, strict=True):
            row[: len(prefix)] = torch.as_tensor(list(prefix))
        return cls(tokens.to(device), barred)

    def narrowed(self, logits: Float[Tensor, "rows vocabulary"], rows: Tensor, place: int) -> Tensor:
        """Logits at a place of some rows, -inf for what may not be there."""
        if self.barred is None:
            return logits
        free = self.tokens[rows, place] < 0
        first = free & (self.tokens[rows, place - 1] >= 0) if place else free
        first &= (logits > -torch.inf)[:, ~self.barred].any(1)  # a mask may have left nothing else
        return logits.masked_fill(first[:, None] & self.barred, -torch.inf)


def draw(
    steps: Steps,
    uniforms: Float[Tensor, "batch length"],
    how: Decoding,
    prompt: Prompt | None = None,
    draft: Int[Tensor, "batch length"] | None = None,
) -> Int[Tensor, "batch length"]:
    """Token ids of one draw a row, up to EOS or the full length, then PAD. Finished sequences leave the batch.

    With a `draft`, each row follows its own as long as `steps` allows the token, and is drawn from there on. If the
    drafts were drawn from the same network without the rules of `steps`, and all are given, the outcome has the
    distribution of a draw under the rules: let p be the free distribution at a place and f the share of what is
    forbidden there; an allowed token t is drawn at once, or in the place of a forbidden one, with probability
    p(t) + f p(t) / (1 - f) = p(t) / (1 - f), the masked one. (Under `top_p` < 1 the token in the place of a
    forbidden one comes from the nucleus of what is allowed.)
    """
    count, length = uniforms.shape
    written = torch.full((count, length), PAD, dtype=torch.long, device=uniforms.device)
    alive = torch.arange(count, device=uniforms.device)  # row of `written` that each sequence of the batch fills
    tokens = torch.full_like(alive, BOS)
    ended = torch.zeros_like(alive, dtype=torch.bool)
    follows = torch.full_like(ended, draft is not None)  # by row of `written`
    for place in range(length):
        logits = steps(tokens, place)
        if prompt is not None:
            logits = prompt.narrowed(logits, alive, place)
        tokens = choose(_shaped(logits, how), uniforms[alive, place])
        forced = torch.full_like(tokens, -1) if prompt is None else prompt.tokens[alive, place]
        if draft is not None:
            drafted = draft[alive, place]
            allowed = logits.gather(1, drafted[:, None]).squeeze(1) > -torch.inf
            follows[alive] &= allowed | (forced >= 0)
            tokens = torch.where(follows[alive], drafted, tokens)
        tokens = torch.where(forced >= 0, forced, tokens)
        written[alive, place] = tokens
        ended |= tokens == EOS
        going = int((~ended).sum())
        if not going:
            break
        if going <= 0.8 * len(alive):  # moving the cache costs about as much as a step
            keep = (~ended).nonzero().squeeze(1)
            steps.keep(keep)
            alive, tokens, ended = alive[keep], tokens[keep], ended[keep]
    return _cut(written)


def beam_search(steps: Steps, n: int, length: int, how: Decoding) -> Int[Tensor, "found length"]:
    """The likeliest texts that a beam of `n` finds, most likely first: at most n, as ids up to EOS, then PAD.

    Log-probabilities only fall as a text grows, so it ends as soon as no open text can enter the best n. `steps` must
    be of one sequence.
    """
    device = steps.never.device
    written = torch.full((1, length), PAD, dtype=torch.long, device=device)
    totals = torch.zeros(1, dtype=torch.float64, device=device)
    tokens = torch.full((1,), BOS, device=device)
    done, done_totals = written[:0], totals[:0]
    for place in range(length):
        nats = torch.log_softmax(_shaped(steps(tokens, place), how).double(), -1) + totals[:, None]
        if place == length - 1:  # what does not end here never does
            nats[:, torch.arange(nats.shape[1], device=device) != EOS] = -torch.inf
        best, flat = nats.flatten().topk(min(n, nats.numel()))
        best, flat = best[best > -torch.inf], flat[best > -torch.inf]
        parents, tokens = flat // nats.shape[1], flat % nats.shape[1]
        written = written[parents]
        written[:, place] = tokens
        ended = tokens == EOS
        done, done_totals = torch.cat([done, written[ended]]), torch.cat([done_totals, best[ended]])
        order = done_totals.argsort(descending=True, stable=True)[:n]
        done, done_totals = done[order], done_totals[order]
        going = ~ended if len(done) < n else ~ended & (best > done_totals[-1])
        if not going.any():
            break
        written, totals, tokens = written[going], best[going], tokens[going]
        steps.keep(parents[going])
    return done


def _shaped(logits: Float[Tensor, "batch vocabulary"], how: Decoding) -> Float[Tensor, "batch vocabulary"]:
    """Logits at a temperature, cut to the nucleus (Holtzman et al. 2020)."""
    if how.temperature != 1:
        logits = logits / how.temperature
    if how.top_p < 1:
        ordered, places = logits.softmax(-1).sort(descending=True)
        tail = ordered.cumsum(-1) - ordered >= how.top_p  # the token that crosses the share stays
        logits = logits.masked_fill(tail.scatter(-1, places, tail), -torch.inf)
    return logits


def choose(logits: Float[Tensor, "batch vocabulary"], uniform: Float[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    """The token that each uniform number in [0, 1) falls on: the inverse of the cumulative distribution."""
    cumulative = torch.softmax(logits.double(), -1).cumsum(-1)
    return torch.searchsorted(cumulative, (uniform * cumulative[:, -1]).unsqueeze(1), right=True).squeeze(1)


def _cut(written: Int[Tensor, "batch length"]) -> Int[Tensor, "batch length"]:
    """PAD behind EOS: a sequence that had ended may have been written on until it left the batch."""
    after = (written == EOS).cumsum(1) - (written == EOS).long() > 0
    return written.masked_fill(after, PAD)
