"""What a family is that learns by counting: one pass over the molecules, arrays in a model folder, no gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from molgen.core import seeds
from molgen.core.errors import ArtifactError, SettingsError
from molgen.core.settings import Settings
from molgen.data.store import Store, gather
from molgen.generators.base import DrawingSettings, Samples
from molgen.generators.folder import read_model, write_model
from molgen.generators.texts import samples
from molgen.represent.notation import notation
from molgen.represent.tokens import BOS, EOS, PAD, UNKNOWN, Vocabulary

BATCH = 1024  # texts drawn or valued at a time


class Keeper(Protocol):
    """Whom a long `fit` tells how far it is: it shows that, saves now and then, and ends the fit if that is wished."""

    def begin(self, total: int) -> dict[str, np.ndarray]:
        """A fit on `total` molecules, repeats counted, begins or goes on: what was saved last, or nothing."""
        ...

    def done(self, count: int, arrays: Callable[[], dict[str, np.ndarray]], note: str = "") -> None:
        """`count` molecules more are done; `arrays` makes all that is needed to go on from here."""
        ...


class _NothingKept:
    """For a fit that is not saved before its end."""

    def begin(self, total: int) -> dict[str, np.ndarray]:
        return {}

    def done(self, count: int, arrays: Callable[[], dict[str, np.ndarray]], note: str = "") -> None:
        pass


NOTHING_KEPT = _NothingKept()


class CountedGenerator:
    """Base of the families that count: `molgen train` calls `fit` once, and the model folder holds its arrays."""

    name: ClassVar[str]
    Config: ClassVar[type[Settings]]
    guides: ClassVar[str | None] = None
    Drawing: ClassVar[type[DrawingSettings]] = DrawingSettings

    config: Settings

    @classmethod
    @abstractmethod
    def fit(cls, config: Settings, store: Store, rows: np.ndarray, seed: int, keeper: Keeper = NOTHING_KEPT) -> Self:
        """The model of some molecules of a store. One that takes longer than seconds tells `keeper` of it."""

    @classmethod
    @abstractmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """The model that `config_values` and `arrays` described; a ValueError if they are not of one piece."""

    @abstractmethod
    def config_values(self) -> dict[str, Any]:
        """What config.yaml holds: settings, vocabulary, sizes."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """What weights.safetensors holds."""

    @classmethod
    def usable(cls, store: Store, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that can be counted: with tokens, all of them known."""
        values, lengths = gather(store.tokens, store.token_offsets, rows)
        unknown = np.searchsorted(np.cumsum(lengths), np.flatnonzero(values == UNKNOWN), side="right")
        good = lengths > 0
        good[unknown] = False
        return rows[good]

    def save(self, folder: Path) -> None:
        """Writes config.yaml and weights.safetensors."""
        write_model(folder, self.name, self.config_values(), {k: torch.from_numpy(v) for k, v in self.arrays().items()})

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> Self:
        """The model of a folder; ArtifactError if it is not a whole one of this family. It stays on the CPU."""
        values, weights = read_model(folder, cls.name)
        try:
            return cls.from_parts(values, {name: tensor.numpy() for name, tensor in weights.items()})
        except SettingsError as error:
            raise ArtifactError(f"{folder}/{error}; train or copy it again") from None
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{folder}: weights do not fit config.yaml (at {error}); train or copy it again"
            ) from None

    def to(self, *_: Any, **__: Any) -> Self:
        """Itself: counts have one precision, and no device would be faster."""
        return self


class TextModel(CountedGenerator):
    """A counted distribution over texts, one token after the other."""

    uniforms_a_token: ClassVar[int] = 1

    def __init__(self, config: Any, vocabulary: Vocabulary, longest: int, written_in: str) -> None:
        self.config, self.vocabulary, self.notation = config, vocabulary, notation(written_in)
        self.longest = longest  # tokens of a text, without BOS and EOS

    @abstractmethod
    def written(self, uniforms: Float[np.ndarray, "batch numbers"]) -> Int[np.ndarray, "batch longest+1"]:
        """Token ids of one draw a row up to EOS, then PAD; without EOS where a draw did not end."""

    @abstractmethod
    def nats(self, texts: Int[np.ndarray, "batch length"]) -> Float[np.ndarray, " batch"]:
        """Log-probability of each text: BOS, its tokens, EOS, then PAD."""

    def config_values(self) -> dict[str, Any]:
        return {
            "settings": self.config.values(),
            "notation": self.notation.name,
            "longest": self.longest,
            "vocabulary": list(self.vocabulary.tokens),
        }

    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered."""
        texts: list[str | None] = []
        for start in range(first, first + n, BATCH):
            draws = np.arange(start, min(start + BATCH, first + n))
            length = self.uniforms_a_token * (self.longest + 1)
            written = self.written(seeds.uniforms(seeds.child(seed, self.name), draws, length))
            texts += map(self._text, written.tolist())
        return samples(texts)

    def log_prob(self, smiles: Sequence[str]) -> Float[Tensor, " batch"]:
        """Total log-probability of each text, in nats, EOS included; -inf off the vocabulary and past the length."""
        out = np.full(len(smiles), -np.inf)
        texts = [self.notation.of_smiles(s) for s in smiles]
        ids = [self.vocabulary.encode(t) if t is not None else np.array([UNKNOWN], np.uint8) for t in texts]
        known = [i for i, t in enumerate(ids) if len(t) <= self.longest and not (t == UNKNOWN).any()]
        known.sort(key=lambda i: len(ids[i]))
        for start in range(0, len(known), BATCH):
            part = known[start : start + BATCH]
            rectangle = np.full((len(part), len(ids[part[-1]]) + 2), PAD, np.uint8)
            for row, i in zip(rectangle, part, strict=True):
                row[: len(ids[i]) + 2] = [BOS, *ids[i], EOS]
            out[part] = self.nats(rectangle)
        return torch.from_numpy(out)

    def _text(self, ids: list[int]) -> str | None:
        return self.notation.to_smiles(self.vocabulary.decode(ids[: ids.index(EOS)])) if EOS in ids else None


def chosen(shares: Float[np.ndarray, "rows choices"], uniforms: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """The choice that each uniform number in [0, 1) falls on; `shares` need not sum to one."""
    cumulative = shares.cumsum(1)
    total = cumulative[:, -1]
    bound = np.minimum(uniforms * total, np.nextafter(total, 0))  # a product can round up to the total
    return (cumulative <= bound[:, None]).sum(1)
