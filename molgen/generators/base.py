"""What every generator is, and what a neural family gives to the one training loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from molgen.core.errors import ArtifactError, SettingsError
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.folder import read_model, write_model


class Samples(NamedTuple):
    """Draws in drawing order: a canonical SMILES, or null and the reason why the draw is not a molecule."""

    smiles: list[str | None]
    reasons: list[str | None]

    @classmethod
    def of(cls, draws: Iterable[tuple[str | None, str | None]]) -> Self:
        """From a SMILES and a reason for each draw, one of them null."""
        pairs = list(draws)
        return cls([smiles for smiles, _ in pairs], [reason for _, reason in pairs])


class DrawingSettings(Settings):
    """What may be asked of a draw. A family adds what it knows; the defaults are a plain draw from its distribution."""

    @property
    def together(self) -> bool:
        """Whether the n rows are one search rather than n draws, so that they cannot be made apart."""
        return False

    @property
    def models(self) -> dict[str, str]:
        """The settings that name a trained model: of those the content counts, not the place."""
        return {}


@runtime_checkable
class Generator(Protocol):
    """A distribution over molecules, learnt from a feature store and drawn as SMILES."""

    Drawing: ClassVar[type[DrawingSettings]]

    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered. A draw depends on the seed and its number alone.

        A SettingsError if this model cannot do what `drawing` asks for; None asks for nothing.
        """
        ...

    def save(self, folder: Path) -> None:
        """Writes config.yaml and weights.safetensors."""
        ...


@runtime_checkable
class Likelihood(Generator, Protocol):
    """A generator that knows how likely it is to draw a SMILES."""

    def log_prob(self, smiles: Sequence[str]) -> Float[Tensor, " batch"]:
        """Total log-probability in nats; differentiable; -inf off the vocabulary."""
        ...


@runtime_checkable
class Startable(Protocol):
    """A family whose training can start from a trained model, on a feature store with other tokens than the model's."""

    def carried_over(self, config: Settings, store: Store) -> NeuralGenerator:
        """A new model for the tokens, lengths and properties of a store, with all that this one's weights say of it.

        `config` may differ from this model's in the settings of `changeable` and `of_store`.
        """
        ...

    def in_own_ids(self, store: Store) -> Store:
        """The store with its ids replaced by this model's; what the model does not know is the id for unknown."""
        ...


class GraphStart:
    """`Startable` for models of graphs: they know classes by what they stand for, so any store will do."""

    def carried_over(self, config: Settings, store: Store) -> NeuralGenerator:
        raise SettingsError("vocabulary = store: a model of graphs keeps its own atoms and fragments; leave it out")

    def in_own_ids(self, store: Store) -> Store:
        return store


class Loss(NamedTuple):
    """A batch's loss, summed, and what to divide it by; `parts` are further sums for the log."""

    total: Tensor
    weight: float
    parts: Mapping[str, Tensor] = {}

    def plus(self, other: Loss) -> Loss:
        """Both, over the weights of both."""
        return Loss(self.total + other.total, self.weight + other.weight, {**self.parts, **other.parts})


class NeuralGenerator(nn.Module):
    """Base of the neural families: settings, batches and loss in; the training loop gives the rest."""

    name: ClassVar[str]
    Config: ClassVar[type[Settings]]
    changeable: ClassVar[frozenset[str]] = frozenset()  # settings that say nothing about the weights
    added: ClassVar[tuple[str, ...]] = ()  # beginnings of names of weights that `changeable` can add; zero at first
    of_store: ClassVar[frozenset[str]] = frozenset()  # settings that `Startable.carried_over` can change
    compiles: ClassVar[tuple[str, ...]] = ()  # the parts that gain where networks are compiled
    guides: ClassVar[str | None] = None  # the family whose draws it steers; such a network draws nothing itself
    Drawing: ClassVar[type[DrawingSettings]] = DrawingSettings

    config: Settings

    @classmethod
    @abstractmethod
    def build(cls, config: Settings, store: Store) -> Self:
        """A new model with random weights (from torch's generator) for the molecules of a store."""

    @classmethod
    @abstractmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The model, weights unset, that `config_values` described."""

    @abstractmethod
    def config_values(self) -> dict[str, Any]:
        """All that `from_values` needs, as plain values: settings, vocabulary, sizes."""

    @abstractmethod
    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that this model can learn from."""

    def row_batches(self, store: Store, rows: np.ndarray, size: int) -> list[np.ndarray]:
        """An epoch's rows, already shuffled, cut into batches; a family that wants equal sizes overrides it."""
        return [rows[i : i + size] for i in range(0, len(rows), size)]

    @abstractmethod
    def collate(self, store: Store, rows: np.ndarray) -> Any:
        """A batch (tensors on the CPU) of molecules."""

    @abstractmethod
    def loss(self, batch: Any) -> Loss:
        """The loss of a batch. In training mode it may draw from torch's generator, seeded by the loop."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def save(self, folder: Path) -> None:
        """Writes config.yaml and weights.safetensors."""
        write_model(folder, self.name, self.config_values(), self.state_dict())

    def with_settings(self, config: Settings) -> Self:
        """A copy with other settings, of those that say nothing about the weights, or add some that start at zero."""
        copy = type(self).from_values(self.config_values() | {"settings": config.values()})
        fresh = {name: value for name, value in copy.state_dict().items() if name.startswith(self.added)}
        copy.load_state_dict(fresh | self.state_dict())
        return copy

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> Self:
        """The model of a folder, in evaluation mode; ArtifactError if it is not a whole model of this family."""
        values, weights = read_model(folder, cls.name)
        try:
            model = cls.from_values(values)
        except SettingsError as error:
            raise ArtifactError(f"{folder}/{error}; train or copy it again") from None
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{folder}: config.yaml is not whole (at {error}); train or copy it again") from None
        _fill(model, weights, folder)
        return model.to(pick_device(device)).eval()


def pick_device(name: str = "auto") -> torch.device:
    """The device of a name; `auto` is the accelerator if there is one."""
    if name != "auto":
        try:
            return torch.empty(0, device=name).device
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SettingsError(f"--device {name}: cannot be used here ({reason}); give auto or cpu") from None
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return accelerator or torch.device("cpu")


def _fill(model: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    found = {name: tensor.shape for name, tensor in weights.items()}
    if expected != found:
        different = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        raise ArtifactError(f"{folder}: weights do not fit config.yaml (first: {different[0]}); train or copy it again")
    model.load_state_dict(weights)
