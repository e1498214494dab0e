"""`smiles`: a decoder-only network over SMILES tokens, with exact likelihoods and cached, batched sampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from molgen.chem.spellings import random_spelling
from molgen.core import seeds
from molgen.core.errors import InputError, SettingsError, nearest
from molgen.core.settings import Settings
from molgen.data.store import Store, gather
from molgen.data.translate import in_vocabulary
from molgen.generators.base import DrawingSettings, Loss, NeuralGenerator, Samples
from molgen.generators.carrying import carry_over
from molgen.generators.decoding import Prompt, Rules, Steps, beam_search, draw
from molgen.generators.decorating import decorated
from molgen.generators.linking import linked
from molgen.generators.rectangles import TokenBatch
from molgen.generators.rewriting import walk
from molgen.generators.smiles_settings import SmilesConfig, SmilesDrawing
from molgen.generators.texts import is_molecule, samples
from molgen.nn.conditions import Conditions, knots_of, some_given
from molgen.nn.gru import Recurrent
from molgen.nn.tally import Tally
from molgen.nn.transformer import Transformer
from molgen.represent.counts import counts
from molgen.represent.grammar import Grammar
from molgen.represent.notation import notation
from molgen.represent.tokens import BOS, EOS, PAD, UNKNOWN, Vocabulary, tokenize

# Sequences a rectangle: fewer would waste less on padding but run smaller matmuls, which are one a place in a GRU.
GROUP = {"transformer": 64, "gru": 256}


class SmilesModel(NeuralGenerator):
    """A distribution over SMILES, one token after the other."""

    name: ClassVar[str] = "smiles"
    Config: ClassVar[type[Settings]] = SmilesConfig
    changeable = frozenset({"dropout", "unconditional", "random_spelling", "forbidden", "sampling_batch", "tally"})
    of_store = frozenset({"conditions", "room"})
    added = ("network.tally.",)
    Drawing = SmilesDrawing
    config: SmilesConfig

    def __init__(
        self,
        config: SmilesConfig,
        vocabulary: Vocabulary,
        longest: int,
        knots: Mapping[str, Sequence[float]] = {},
        written_in: str = "smiles",
    ) -> None:
        super().__init__()
        if config.width % config.heads:
            raise SettingsError(f"model.width = {config.width}: must be a multiple of heads = {config.heads}")
        self.config, self.vocabulary = config, vocabulary
        self.notation = notation(written_in)
        self.longest = longest  # tokens of a text, without BOS and EOS
        if config.tally and written_in != "smiles":
            raise SettingsError(f"model.tally: counts in SMILES, and this model writes {written_in}; leave it out")
        if config.forbidden and written_in != "smiles":
            raise SettingsError(
                f"model.forbidden: a grammar of SMILES, and this model writes {written_in}; leave it out"
            )
        self.network = _network(config, vocabulary, longest + 1)
        self.conditions = Conditions(knots, config.width * config.layers) if knots else None
        self.random = nn.Parameter(torch.zeros(config.width * config.layers)) if config.random_spelling else None
        never = torch.zeros(len(vocabulary), dtype=torch.bool)
        never[[PAD, BOS, UNKNOWN]] = True
        self.never: Tensor
        self.register_buffer("never", never, persistent=False)  # tokens that no text holds

    @classmethod
    def build(cls, config: Settings, store: Store) -> Self:
        assert isinstance(config, SmilesConfig)
        rows = store.rows("train")
        knots = {name: knots_of(store.column(name)[rows]) for name in config.conditions}
        return cls(config, store.vocabulary, store.header["longest"] + config.room, knots, store.notation)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        config = SmilesConfig.parse(values["settings"], where="config.yaml")
        known, written_in = values.get("conditions", {}), values.get("notation", "smiles")
        return cls(config, Vocabulary(values["vocabulary"]), int(values["longest"]), known, written_in)

    def config_values(self) -> dict[str, Any]:
        knots = {name: edges.tolist() for name, edges in self.conditions.knots.items()} if self.conditions else {}
        return {
            "settings": self.config.values(),
            "notation": self.notation.name,
            "longest": self.longest,
            "vocabulary": list(self.vocabulary.tokens),
            "conditions": knots,
        }

    def in_own_ids(self, store: Store) -> Store:
        if store.notation != self.notation.name:
            raise SettingsError(f"start: that model writes {self.notation.name}, the features are {store.notation}")
        return in_vocabulary(store, self.vocabulary)

    def carried_over(self, config: Settings, store: Store) -> Self:
        model = self.build(config, store)
        if store.notation != self.notation.name:
            raise SettingsError(f"start: that model writes {self.notation.name}, the features are {store.notation}")
        carry_over(self, model)
        return model

    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        lengths = store.token_lengths(rows)
        rows = rows[(lengths > 0) & (lengths <= self.longest)]
        if store.header["unknown_tokens"]:
            places = np.flatnonzero(np.asarray(store.tokens) == UNKNOWN)
            rows = np.setdiff1d(rows, np.searchsorted(store.token_offsets, places, side="right") - 1)
        return rows

    def collate(self, store: Store, rows: np.ndarray) -> TokenBatch:
        """Sequences sorted by length; in training some are respelled, and some are told their properties."""
        values, lengths = gather(store.tokens, store.token_offsets, rows)
        pieces = np.split(values, np.cumsum(lengths)[:-1])
        random = codes = None
        if self.random is not None and self.training:
            random = self._respelled(pieces, torch.rand(len(rows)) < self.config.random_spelling)
        if self.conditions is not None and self.training:
            known = np.column_stack([store.known(name, rows) for name in self.conditions.names])
            codes = torch.from_numpy(self.conditions.encode(some_given(known, self.config.unconditional)))
        batch = TokenBatch.of(pieces, GROUP[self.config.architecture], random, codes)
        return batch.under(self.grammar) if self.config.forbidden else batch

    def _respelled(self, pieces: list[np.ndarray], chosen: Tensor) -> Tensor:
        """Puts a random spelling in the place of the chosen `pieces`; returns which could be respelled."""
        for i in chosen.nonzero().squeeze(1).tolist():
            seed = int(torch.randint(2**31, ()))
            text = self.notation.to_smiles(self.vocabulary.decode(pieces[i].tolist()))
            ids = self._encoded(random_spelling(text, seed))
            chosen[i] = len(ids) <= self.longest and not (ids == UNKNOWN).any()
            if chosen[i]:
                pieces[i] = ids
        return chosen

    def loss(self, batch: TokenBatch) -> Loss:
        """Nats of the batch's tokens, EOS included; divided by their number.

        With `forbidden`, so many times -log of the probability of all tokens that the grammar allows is added.
        """
        logits = self._logits(batch)
        total = F.cross_entropy(logits, batch.targets, ignore_index=PAD, reduction="sum")
        weight = int((batch.targets != PAD).sum())
        if batch.allowed is None:
            return Loss(total, weight)
        left = logits.masked_fill(~batch.allowed, -torch.inf).logsumexp(1) - logits.logsumexp(1)
        forbidden = -left.sum()
        return Loss(total + self.config.forbidden * forbidden, weight, {"forbidden": forbidden.detach()})

    def log_prob(
        self,
        smiles: Sequence[str],
        *,
        spelling: str = "canonical",
        condition: Mapping[str, float] | None = None,
        given: Sequence[int] | None = None,
        asked: Float[np.ndarray, "batch conditions"] | None = None,
    ) -> Float[Tensor, " batch"]:
        """Total log-probability of each text, in nats: exact for this spelling of the molecule, EOS included.

        `spelling` says which of the model's two distributions is meant: that over canonical SMILES, or (models trained
        with `random_spelling`) that over all; `condition` what the molecules are said to be, `asked` what each one is
        (as in `draw_texts`). With `given`, so many tokens of each text are taken for granted: what counts is the
        rest. -inf for a text with a token off the vocabulary or longer than the model can write. Differentiable.
        """
        ids = [self._encoded(s) for s in smiles]
        known = [i for i, t in enumerate(ids) if len(t) <= self.longest and not (t == UNKNOWN).any()]
        out = torch.full((len(smiles),), -torch.inf, device=self.device)
        if known:
            order = sorted(known, key=lambda i: len(ids[i]))  # as TokenBatch lays them
            random = torch.ones(len(order), dtype=torch.bool) if self._is_random(spelling) else None
            said = self._asked(condition, len(smiles)) if asked is None and condition else asked
            codes = None if said is None else self._codes(said[order]).cpu()
            group = GROUP[self.config.architecture]
            batch = TokenBatch.of([ids[i] for i in order], group, random, codes).to(self.device)
            nats = F.cross_entropy(self._logits(batch), batch.targets, ignore_index=PAD, reduction="none")
            rectangles = nats.split([count * length for count, length in batch.shapes])
            skipped = torch.tensor([given[i] for i in order] if given else [0] * len(order), device=self.device)
            parts = zip(rectangles, batch.shapes, skipped.split([count for count, _ in batch.shapes]), strict=True)
            totals = torch.cat([_behind(-nats.view(shape), skip) for nats, shape, skip in parts])
            out = out.to(totals.dtype).index_put((torch.tensor(order, device=self.device),), totals)
        return out

    def _encoded(self, smiles: str) -> np.ndarray:
        """Token ids of a SMILES in the model's notation; UNKNOWN where that cannot write it."""
        text = self.notation.of_smiles(smiles)
        return self.vocabulary.encode(text) if text is not None else np.array([UNKNOWN], np.uint8)

    def _logits(self, batch: TokenBatch) -> Float[Tensor, "tokens vocabulary"]:
        """Logits in float32 or better, -inf for the tokens that no text holds."""
        logits = self.network(batch.inputs, batch.shapes, self._bias(batch.random, batch.codes))
        precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return precise.masked_fill(self.never, -torch.inf)

    def _bias(self, random: Tensor | None, codes: Tensor | None) -> Float[Tensor, "sequences steers"] | None:
        """What the inputs of each layer are shifted by: nothing for canonical SMILES of any molecule."""
        terms = [] if random is None or self.random is None else [random[:, None] * self.random]
        if codes is not None and self.conditions is not None:
            terms.append(self.conditions(codes))
        return sum(terms[1:], terms[0]) if terms else None

    def _is_random(self, spelling: str) -> bool:
        if spelling == "random" and self.random is None:
            raise SettingsError("spelling = random: this model was trained on canonical SMILES only")
        return spelling == "random"

    @torch.inference_mode()
    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered; or, with `beam`, the n likeliest texts."""
        how = drawing or SmilesDrawing()
        assert isinstance(how, SmilesDrawing)
        if how.beam:
            return samples(self._likeliest(n, how))
        if not how.prompted:
            return samples(self.draw_texts(np.arange(first, first + n), seed, how))
        found = Samples([], [])
        for start in range(first, first + n, self.config.sampling_batch):
            draws = np.arange(start, min(start + self.config.sampling_batch, first + n))
            part = self._prompted(draws, seed, how)
            found = Samples(found.smiles + part.smiles, found.reasons + part.reasons)
        return found

    def _prompted(self, draws: np.ndarray, seed: int, how: SmilesDrawing) -> Samples:
        """Draws that contain given parts; the model is told that they are random spellings, as the prompts are."""
        if self.random is None:
            raise SettingsError(
                "scaffold, link: this model knows canonical SMILES only; train one with random_spelling"
            )
        if self.notation.name != "smiles":
            raise SettingsError(f"scaffold, link: this model writes {self.notation.name}; train one on SMILES")
        how = how.model_copy(update={"spelling": "random"})
        if how.link is not None:
            return linked(self, draws, seed, how, how.condition)
        return decorated(self, draws, seed, how)

    def draw_texts(
        self,
        draws: np.ndarray,
        seed: int,
        how: SmilesDrawing | None = None,
        *,
        prompts: Sequence[str] | None = None,
        behind: Callable[[str], bool] | None = None,
        asked: Float[np.ndarray, "draws conditions"] | None = None,
    ) -> list[str | None]:
        """The texts of some draws; null where a draw did not end.

        `prompts` are what each of them begins with, `behind` says which tokens may come right behind; `asked` are each
        one's own values of the model's conditions (nan: not asked for), in the place of `how.condition`.

        With `how.grammar`, draws are made freely, and only those that are no molecule follow their text to the first
        token that the grammar forbids and are drawn anew from there (see `decoding.draw`). So the few molecules that
        the grammar would not have written so stay as likely as they were, and the distribution is no further from the
        free one than the share of draws that are no molecule: no distribution over molecules is nearer to it.
        """
        how = how or SmilesDrawing()
        if asked is None and how.condition:
            asked = self._asked(how.condition, len(draws))
        prompt = None if prompts is None else self._prompt(prompts, behind)
        if asked is None or not (how.moves and how.guidance):
            return self._texts(self._drawn(draws, seed, how, prompt, asked))
        assert self.conditions is not None
        wishes = dict(zip(self.conditions.names, asked.T, strict=True))
        told = how.model_copy(update={"guidance": 1.0})  # the walk has the rest

        def write(own: int, kept: Tensor | None) -> Tensor:
            return self._drawn(draws, own, told, None if kept is None else Prompt(kept), asked)

        return self._texts(walk(write, self._texts, how, seed, draws, wishes, self.conditions.deviations))

    def _drawn(
        self, draws: np.ndarray, seed: int, how: SmilesDrawing, prompt: Prompt | None, asked: np.ndarray | None
    ) -> Int[Tensor, "draws length"]:
        """Token ids of some draws, by the grammar if that is asked for."""
        free = how.model_copy(update={"grammar": False})
        written = self._written(draws, seeds.child(seed, "smiles"), free, prompt, asked)
        if how.grammar and self.grammar:  # a SettingsError where there is none
            rows = np.flatnonzero([not is_molecule(text) for text in self._texts(written)])
            prompt = None if prompt is None else Prompt(prompt.tokens[rows], prompt.barred)
            asked = None if asked is None else asked[rows]
            own = seeds.child(seed, "grammar")
            written[rows] = self._written(draws[rows], own, how, prompt, asked, written[rows])
        return written

    def _written(
        self,
        draws: np.ndarray,
        seed: int,
        how: SmilesDrawing,
        prompt: Prompt | None,
        asked: np.ndarray | None,
        draft: Int[Tensor, "draws length"] | None = None,
    ) -> Int[Tensor, "draws length"]:
        """Token ids of some draws, made in batches."""
        length = self.longest + 1
        written = torch.full((len(draws), length), PAD, device=self.device)
        for start in range(0, len(draws), self.config.sampling_batch):
            part = slice(start, start + self.config.sampling_batch)
            uniforms = torch.from_numpy(seeds.uniforms(seed, draws[part], length)).to(self.device)
            steps = self._steps(len(uniforms), how, None if asked is None else asked[part])
            begun = None if prompt is None else Prompt(prompt.tokens[part], prompt.barred)
            written[part] = draw(steps, uniforms, how, begun, None if draft is None else draft[part])
        return written

    def _prompt(self, prompts: Sequence[str], behind: Callable[[str], bool] | None) -> Prompt:
        barred = None if behind is None else torch.tensor([not behind(t) for t in self.vocabulary.tokens])
        ids = [self._ids(p) for p in prompts]
        return Prompt.of(ids, self.longest + 1, self.device, None if barred is None else barred.to(self.device))

    def _likeliest(self, n: int, how: SmilesDrawing) -> list[str | None]:
        asked = self._asked(how.condition, 1) if how.condition else None
        found = beam_search(self._steps(1, how, asked), n, self.longest + 1, how)
        return self._texts(found) + [None] * (n - len(found))

    def _steps(self, count: int, how: SmilesDrawing, asked: np.ndarray | None = None) -> Steps:
        """The network's steps for `count` sequences under the wishes of a drawing."""
        random = torch.ones(count, dtype=torch.bool, device=self.device) if self._is_random(how.spelling) else None
        plain = self._bias(random, None)
        rules = Rules(self.grammar, count) if how.grammar else None
        if asked is None:
            return Steps(self.network, self.never, plain, rules=rules)
        bias = self._bias(random, self._codes(asked))
        assert bias is not None
        without = torch.zeros_like(bias) if plain is None else plain
        return Steps(self.network, self.never, bias, without, how.guidance, rules)

    @cached_property
    def grammar(self) -> Grammar:
        """What draws are held to where they are asked to be."""
        if self.notation.name != "smiles":
            raise SettingsError(f"grammar: this model writes {self.notation.name}; only SMILES need one")
        return Grammar(self.vocabulary, self.longest)

    def _asked(self, condition: Mapping[str, float], count: int) -> Float[np.ndarray, "count conditions"]:
        """The same values for each of some draws, in the order of the model's conditions."""
        names = self.conditions.names if self.conditions is not None else []
        for name in condition:
            if not names:
                raise SettingsError(f"condition.{name}: this model was trained without conditions (model.conditions)")
            if name not in names:
                raise SettingsError(f"condition.{name}: not what this model knows{nearest(name, names)}")
        return np.tile([condition.get(name, np.nan) for name in names], (count, 1))

    def _codes(self, asked: Float[np.ndarray, "count conditions"]) -> Float[Tensor, "count code"]:
        if self.conditions is None:
            raise SettingsError("condition: this model was trained without conditions (model.conditions)")
        return torch.from_numpy(self.conditions.encode(asked)).to(self.device)

    def refusal(self, text: str) -> str | None:
        """Why the model cannot go on from a text; None if it can."""
        tokens = tokenize(text)
        unknown = sorted(set(tokens) - set(self.vocabulary.tokens))
        if unknown:
            return f"the token {unknown[0]} is not in this model's vocabulary"
        if len(tokens) >= self.longest:
            return f"{len(tokens)} tokens, this model writes at most {self.longest}"
        return None

    def _ids(self, prompt: str) -> list[int]:
        if (why := self.refusal(prompt)) is not None:
            raise InputError(f"{prompt!r}: {why}")
        return self.vocabulary.encode(prompt).tolist()

    def _texts(self, written: Int[Tensor, "draws length"]) -> list[str | None]:
        rows = written.tolist()
        known, write = self.vocabulary, self.notation.to_smiles
        return [write(known.decode(ids[: ids.index(EOS)])) if EOS in ids else None for ids in rows]


def _network(config: SmilesConfig, vocabulary: Vocabulary, longest: int) -> Transformer | Recurrent:
    tally = Tally(torch.from_numpy(counts(vocabulary.tokens)), config.width) if config.tally else None
    common: dict[str, Any] = {"width": config.width, "layers": config.layers, "dropout": config.dropout, "tally": tally}
    if config.architecture == "gru":
        return Recurrent(len(vocabulary), **common)
    feedforward = config.feedforward * config.width
    return Transformer(len(vocabulary), heads=config.heads, feedforward=feedforward, longest=longest, **common)


def _behind(nats: Float[Tensor, "rows length"], skip: Int[Tensor, " rows"]) -> Float[Tensor, " rows"]:
    """The sum of each row without its first few places."""
    return nats.masked_fill(torch.arange(nats.shape[1], device=nats.device) < skip[:, None], 0).sum(1)
