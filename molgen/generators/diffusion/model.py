"""The family `graph-diffusion`: a graph transformer that takes noise off nodes and edges, and what is drawn with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import log
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from molgen.chem.parse import BadMolecule
from molgen.core import seeds
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.base import DrawingSettings, GraphStart, Loss, NeuralGenerator, Samples
from molgen.generators.diffusion.atoms import AtomLevel
from molgen.generators.diffusion.batches import (
    Noised,
    Noises,
    Wishes,
    by_size,
    noised_batch,
    room_for,
    sizes_drawn,
)
from molgen.generators.diffusion.beliefs import Beliefs
from molgen.generators.diffusion.bound import bound
from molgen.generators.diffusion.denoising import Begin, denoise, numbers_needed
from molgen.generators.diffusion.dense import Graphs, square
from molgen.generators.diffusion.fragments import FragmentLevel
from molgen.generators.diffusion.guide import Guide, read_guide
from molgen.generators.diffusion.level import Counts, Level, count, likely
from molgen.generators.diffusion.network import network_of
from molgen.generators.diffusion.noise import Noise
from molgen.generators.diffusion.redrawing import mend, walk
from molgen.generators.diffusion.scaffold import Scaffold
from molgen.generators.diffusion.settings import DiffusionConfig, DiffusionDrawing
from molgen.generators.diffusion.symmetry import log_numberings
from molgen.generators.diffusion.tilt import Tilt
from molgen.nn.conditions import Conditions, knots_of, some_given

NAME = "graph-diffusion"


class GraphDiffusion(GraphStart, NeuralGenerator):
    """A distribution over molecular graphs: the number of nodes, then all nodes and edges together."""

    name: ClassVar[str] = NAME
    Config: ClassVar[type[Settings]] = DiffusionConfig
    Drawing: ClassVar[type[DrawingSettings]] = DiffusionDrawing
    changeable = frozenset({"unconditional", "batch_edges", "tally"})
    added = ("network.tally.",)
    compiles: ClassVar[tuple[str, ...]] = ("network",)
    config: DiffusionConfig

    def __init__(
        self, config: DiffusionConfig, level: Level, counts: Counts, knots: Mapping[str, Sequence[float]] = {}
    ) -> None:
        super().__init__()
        self.config, self.level, self.counts = config, level, counts
        self.noises = Noises(Noise(counts.nodes), Noise(counts.pairs))
        self.network = network_of(level, config, tally=config.tally)
        self.conditions = Conditions(knots, config.width) if knots else None
        self.beliefs = Beliefs(self.network, self.noises, self.conditions, level.swapped)

    @classmethod
    def build(cls, config: Settings, store: Store) -> Self:
        assert isinstance(config, DiffusionConfig)
        rows = store.rows("train")
        level: Level = FragmentLevel.of(store, config.vocabulary) if config.level == "fragment" else AtomLevel.of(store)
        knots = {name: knots_of(store.column(name)[rows]) for name in config.conditions}
        return cls(config, level, count(level, store, rows), knots)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        config = DiffusionConfig.parse(values["settings"], where="config.yaml")
        level: Level = (FragmentLevel if config.level == "fragment" else AtomLevel).from_values(values)
        return cls(config, level, Counts(**values["counts"]), values.get("conditions", {}))

    def config_values(self) -> dict[str, Any]:
        knots = {name: edges.tolist() for name, edges in self.conditions.knots.items()} if self.conditions else {}
        values = {"settings": self.config.values(), "counts": self.counts._asdict(), "conditions": knots}
        return values | self.level.values()

    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        return likely(self.level, store, rows, self.counts)

    def row_batches(self, store: Store, rows: np.ndarray, size: int) -> list[np.ndarray]:
        sizes = self.level.sizes(store, rows)
        return [rows[places] for places in by_size(sizes, most=size, edges=self.config.batch_edges)]

    def collate(self, store: Store, rows: np.ndarray) -> list[Noised]:
        """The graphs of each size with noise on them; in evaluation mode the same noise each time."""
        return noised_batch(
            self.level, self.noises, store, rows, lambda some: self._known(store, some), repeat=not self.training
        )

    def _known(self, store: Store, rows: np.ndarray) -> Tensor | None:
        """What the molecules of a training batch are said to be."""
        if self.conditions is None or not self.training:
            return None
        known = np.column_stack([store.known(name, rows) for name in self.conditions.names])
        return torch.from_numpy(self.conditions.encode(some_given(known, self.config.unconditional)))

    def loss(self, batch: list[Noised]) -> Loss:
        """Nats of the clean classes given the noisy graph, summed over nodes and pairs; divided by the graphs."""
        found = [self._nats(group) for group in batch]
        nodes, pairs = (torch.stack(kind).sum() for kind in zip(*found, strict=True))
        graphs = sum(len(group.time) for group in batch)
        return Loss(nodes + pairs, graphs, {"nodes": nodes.detach(), "pairs": pairs.detach()})

    def _nats(self, group: Noised) -> tuple[Tensor, Tensor]:
        logits = self.beliefs.logits(group.noisy, group.time, group.codes)
        nodes, pairs = (
            F.cross_entropy(guess.flatten(0, 1), clean.flatten(), reduction="sum")
            for guess, clean in zip(logits, group.clean, strict=True)
        )
        return nodes, pairs

    def log_prob(self, smiles: Sequence[str]) -> Float[Tensor, " batch"]:
        """A lower bound (`bound`) of the log-probability of each molecule's graph, in nats, without stereochemistry.

        An unbiased estimate of the bound, from 32 of its steps, the same each time; -inf for a molecule that has no
        graph here. Differentiable.
        """
        return torch.stack([self._bound(text) for text in smiles]) if smiles else torch.zeros(0)

    def _bound(self, smiles: str) -> Float[Tensor, ""]:
        graph = self.level.graph(smiles)
        share = self.counts.sizes[graph.size] if graph is not None and graph.size < len(self.counts.sizes) else 0
        if graph is None or not share:
            return torch.tensor(-torch.inf, device=self.device)
        generator = seeds.torch_generator(0, NAME, "bound", smiles)
        numberings = log_numberings(graph.nodes[0].numpy(), square(graph, self.beliefs.swapped)[0].numpy())
        here = Graphs(*(part.to(self.device) for part in graph))
        nats = bound(lambda noisy, time: self.beliefs.logits(noisy, time, None), self.noises, here, generator)
        return nats + numberings + log(share / sum(self.counts.sizes))

    @torch.inference_mode()
    def sample(
        self,
        n: int,
        *,
        seed: int,
        first: int = 0,
        drawing: DrawingSettings | None = None,
        asked: Wishes | None = None,
    ) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered and unrepaired.

        `asked` are each one's own values of the properties, in the place of the drawing's condition.
        """
        how = drawing or DiffusionDrawing()
        assert isinstance(how, DiffusionDrawing)
        return self._written(n, self.draw_graphs(np.arange(first, first + n), seed, how, asked), self._scaffold(how))

    @torch.inference_mode()
    def vary(
        self,
        graphs: Sequence[Graphs],
        time: float,
        *,
        seed: int,
        drawing: DiffusionDrawing | None = None,
        tilt: Tilt | None = None,
    ) -> Samples:
        """One draw around each of some graphs (batches of one): the noise of a time is put on it and taken off again.

        At time 0 nothing is left of it but its number of nodes, at 1 it stays as it is.
        """
        how = drawing or DiffusionDrawing()

        def drawn() -> Iterator[tuple[np.ndarray, Graphs]]:
            for n, places in self._batches(np.array([graph.size for graph in graphs])):
                parts = zip(*(graphs[place] for place in places.tolist()), strict=True)
                begin = Begin(Graphs(*(torch.cat(part).to(self.device) for part in parts)), time)
                *_, last = self.path(places, n, seed, how, begin=begin, tilt=tilt)
                yield places, last

        return self._written(len(graphs), drawn(), self._scaffold(how))

    def _written(self, n: int, drawn: Iterable[tuple[np.ndarray, Graphs]], scaffold: Scaffold | None) -> Samples:
        """The molecules of n graphs, which come with their places."""
        samples = Samples([None] * n, [None] * n)
        for places, graphs in drawn:
            for place, smiles, reason in zip(places, *self._read(graphs, scaffold), strict=True):
                samples.smiles[place], samples.reasons[place] = smiles, reason
        return samples

    def _read(self, graphs: Graphs, scaffold: Scaffold | None = None) -> Samples:
        """What each graph is; with a scaffold, only one that holds it is a molecule."""

        def read(nodes: list[int], pairs: np.ndarray) -> tuple[str | None, str | None]:
            try:
                smiles = self.level.smiles(nodes, pairs)
                if scaffold is not None:
                    scaffold.check(smiles)
            except BadMolecule as error:
                return None, str(error)
            return smiles, None

        return Samples.of(map(read, graphs.nodes.tolist(), graphs.pairs.cpu().numpy()))

    def draw_graphs(
        self, draws: np.ndarray, seed: int, how: DiffusionDrawing, asked: Wishes | None = None
    ) -> Iterator[tuple[np.ndarray, Graphs]]:
        """The graphs of some draws, size by size, each with the places of its draws."""
        uniforms = seeds.uniforms(seeds.child(seed, NAME, "size"), draws, 1)[:, 0]
        scaffold = self._scaffold(how)
        sizes = sizes_drawn(scaffold.fits(self.counts.sizes) if scaffold else self.counts.sizes, uniforms)
        for n, places in self._batches(sizes):
            own = {name: values[places] for name, values in asked.items()} if asked is not None else None
            yield places, self._drawn(draws[places], n, seed, how, own)

    def _batches(self, sizes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Each size with places of graphs that have it, as many as are worked on together."""
        for n in np.unique(sizes).tolist():
            same = np.flatnonzero(sizes == n)
            room = room_for(n, self.config.batch_edges, len(same))
            yield from ((n, same[i : i + room]) for i in range(0, len(same), room))

    def _drawn(self, draws: np.ndarray, n: int, seed: int, how: DiffusionDrawing, asked: Wishes | None) -> Graphs:
        """Graphs of n nodes, mended where they are no molecules, and walked towards what was asked for."""
        wishes = self._wishes(how, len(draws), asked)
        walks = bool(wishes and how.moves and how.guidance)
        told = how.model_copy(update={"guidance": 1.0}) if walks else how  # the walk has the rest
        first = told.model_copy(update={"constrained": how.constrained and not how.again})
        *_, last = self.path(draws, n, seed, first, wishes)
        graphs = Graphs(*(part.clone() for part in last))

        def anew(rows: np.ndarray, own: int, way: DiffusionDrawing, time: float) -> Graphs:
            places = torch.from_numpy(rows).to(self.device)
            begin = Begin(Graphs(*(part[places] for part in graphs)), time)
            *_, found = self.path(draws[rows], n, own, way, {name: v[rows] for name, v in wishes.items()}, begin)
            return found

        def smiles(found: Graphs) -> list[str | None]:
            return self._read(found).smiles

        mend(graphs, anew, smiles, told, seed)
        if walks:
            moved = partial(anew, way=told, time=how.moves_from)
            walk(graphs, moved, smiles, how, seed, draws, wishes, self._deviations(how))
        return graphs

    @staticmethod
    def _wishes(how: DiffusionDrawing, count: int, asked: Wishes | None) -> Wishes:
        return asked if asked is not None else {name: np.full(count, value) for name, value in how.condition.items()}

    def _deviations(self, how: DiffusionDrawing) -> dict[str, float]:
        """Standard deviations of the properties that can be asked for, over the training molecules."""
        if how.predictor is not None:
            return {name: scale.deviation for name, scale in self._guide(how.predictor).scales.items()}
        return self.conditions.deviations if self.conditions is not None else {}

    def _guide(self, folder: str) -> Guide:
        like = torch.empty(0, device=self.device, dtype=next(self.parameters()).dtype)
        return read_guide(folder, self.level, self.noises, like)

    def path(
        self,
        draws: np.ndarray,
        n: int,
        seed: int,
        how: DiffusionDrawing,
        asked: Wishes | None = None,
        begin: Begin | None = None,
        tilt: Tilt | None = None,
    ) -> Iterator[Graphs]:
        """The states of draws of n nodes, from noise (or `begin`) to graphs."""
        dtype = torch.promote_types(next(self.parameters()).dtype, torch.float32)
        numbers = seeds.uniforms(seeds.child(seed, NAME), draws, numbers_needed(n, how.steps))
        uniforms = torch.from_numpy(numbers).to(self.device, dtype).clamp_(max=1 - torch.finfo(dtype).eps)
        scaffold = self._scaffold(how)
        fixed = Graphs(*(part.to(self.device) for part in scaffold.fixed(n))) if scaffold else None
        wishes = self._wishes(how, len(draws), asked)
        if how.predictor is not None:
            tilt, wishes = self._guide(how.predictor).tilt(wishes), {}
        beliefs = self.beliefs.under(how, wishes)
        yield from denoise(beliefs, self.noises, uniforms, n, how, self.level.settle, fixed, tilt, begin)

    def _scaffold(self, how: DiffusionDrawing) -> Scaffold | None:
        return Scaffold.of(how.scaffold, self.level) if how.scaffold is not None else None
