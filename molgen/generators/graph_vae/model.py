"""`graph-vae`: a variational autoencoder over molecular graphs that decodes every latent vector to a valid molecule.

Encoder: message passing over atoms and bonds. Decoder: a tree grammar of fragments with sites, written by a causal
transformer. Stereochemistry is not encoded; a decoded molecule has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from molgen.chem.parse import BadMolecule
from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.core.settings import Settings
from molgen.data.fragment_store import UNKNOWN, FragmentStore
from molgen.data.store import Store
from molgen.generators.base import DrawingSettings, GraphStart, Loss, NeuralGenerator, Samples
from molgen.generators.graph_vae.batch import Actions
from molgen.generators.graph_vae.carrying import carry_over
from molgen.generators.graph_vae.decoder import Decoder
from molgen.generators.graph_vae.encoder import Encoder
from molgen.generators.graph_vae.settings import GraphVAEConfig, GraphVAEDrawing
from molgen.nn.flow import RectifiedFlow
from molgen.nn.graph_encoder import Atoms
from molgen.nn.message_passing import chosen, has_dgl
from molgen.represent.closures import largest_ring
from molgen.represent.derivations import START, START_ANYWHERE, Grammar
from molgen.represent.fragments import Fragmenter
from molgen.represent.graphs import AtomSymbol
from molgen.represent.symbols import symbol

CAPS = ("*C", "*=C", "*#C")  # what closes a site of each order, if the training set has nothing of one atom that does


class Batch(NamedTuple):
    """Molecules as the encoder and as the decoder see them, and their properties (standardised, NaN if not known)."""

    atoms: Atoms
    actions: Actions
    properties: Tensor


class _Cut(NamedTuple):
    """A store's fragment graphs, and what its ids are in a model's."""

    graphs: FragmentStore
    ids: np.ndarray  # of symbols; -1: unknown
    atom_ids: np.ndarray
    usable: np.ndarray  # (molecules,) bool

    @classmethod
    def of(cls, model: GraphVAE, store: Store, graphs: FragmentStore) -> _Cut:
        """For a model; a molecule is usable if all of it is known and it is not too large."""
        ids = np.array([model.grammar.ids.get(text, -1) for text in graphs.texts], np.int64)
        own = {atom: i for i, atom in enumerate(model.atom_types)}
        atom_ids = np.array([own.get(atom, -1) for atom in store.atom_symbols], np.int64)
        nodes, edges = graphs.lengths(np.arange(len(store)))
        usable = (nodes > 0) & (edges < model.longest) & (np.diff(store.atom_offsets) <= model.most_atoms)
        all_ids = np.append(ids, np.full(UNKNOWN + 1 - len(ids), -1))
        for flat, offsets, known in (
            (graphs.nodes, graphs.node_offsets, all_ids),
            (store.atoms, store.atom_offsets, np.append(atom_ids, np.full(256 - len(atom_ids), -1))),
        ):
            strange = np.flatnonzero((known < 0)[np.asarray(flat)])
            usable[np.searchsorted(offsets, strange, side="right") - 1] = False
        return cls(graphs, ids, atom_ids, usable)


class GraphVAE(GraphStart, NeuralGenerator):
    """A distribution over molecules with a latent space."""

    name: ClassVar[str] = "graph-vae"
    changeable = frozenset(
        {"dropout", "kl_weight", "free_nats", "any_root", "without_latent", "property_weight", "sampling_batch"}
    )
    of_store = frozenset({"vocabulary", "joins", "room"})
    Config: ClassVar[type[Settings]] = GraphVAEConfig
    Drawing: ClassVar[type[DrawingSettings]] = GraphVAEDrawing
    config: GraphVAEConfig

    def __init__(
        self,
        config: GraphVAEConfig,
        symbols: Sequence[str],
        atom_types: Sequence[AtomSymbol],
        limits: Mapping[str, int],
        properties: Mapping[str, Sequence[float]],
    ) -> None:
        super().__init__()
        if config.width % config.heads:
            raise SettingsError(f"model.width = {config.width}: must be a multiple of heads = {config.heads}")
        self.config = config.model_copy(update={"backend": chosen(config.backend)})
        self.atom_types = tuple(atom_types)
        self.grammar = Grammar(symbols, config.joins)
        self.most_atoms, self.longest = int(limits["atoms"]), int(limits["actions"])
        self.properties = {name: (float(mean), float(spread)) for name, (mean, spread) in properties.items()}
        self.encoder = Encoder(self.config, len(self.atom_types))
        self.decoder = Decoder(config, self.grammar, self.longest)
        self.prior = RectifiedFlow(config.latent, config.prior_width, config.prior_blocks)
        self.property_head = None
        if self.properties:
            self.property_head = nn.Sequential(
                nn.Linear(config.latent, 128), nn.SiLU(), nn.Linear(128, len(self.properties))
            )
        self._cut: dict[str, _Cut] = {}

    @classmethod
    def build(cls, config: Settings, store: Store) -> Self:
        assert isinstance(config, GraphVAEConfig)
        cut = FragmentStore.of(store, config.vocabulary)
        rows = store.rows("train")
        nodes, edges = cut.lengths(rows)
        rows, edges = rows[nodes > 0], edges[nodes > 0]
        largest = int((store.atom_offsets[rows + 1] - store.atom_offsets[rows]).max())
        limits = {"atoms": largest + config.room, "actions": int(edges.max()) + 1 + config.room}
        symbols = cut.texts + [cap for cap in CAPS if not _closes(cut.texts, cap)]
        values = np.asarray(store.properties)[rows].astype(np.float64)
        statistics = {
            name: (float(np.nanmean(column)), float(np.nanstd(column)) or 1.0)
            for name, column in zip(store.property_names, values.T, strict=True)
            if np.isfinite(column).any()
        }
        return cls(config, symbols, store.atom_symbols, limits, statistics)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        config = GraphVAEConfig.parse(values["settings"], where="config.yaml")
        if config.backend == "dgl" and not has_dgl():  # the weights are the same, so a trained model runs without it
            config = config.model_copy(update={"backend": "pyg"})
        atom_types = [AtomSymbol(**atom) for atom in values["atom_types"]]
        return cls(config, values["symbols"], atom_types, values["limits"], values["properties"])

    def config_values(self) -> dict[str, Any]:
        return {
            "settings": self.config.values(),
            "limits": {"atoms": self.most_atoms, "actions": self.longest},
            "properties": {name: list(pair) for name, pair in self.properties.items()},
            "atom_types": [atom.values() for atom in self.atom_types],
            "symbols": self.grammar.texts,
        }

    def carried_over(self, config: Settings, store: Store) -> Self:
        model = self.build(config, store)
        carry_over(self, model)
        return model

    def usable(self, store: Store, rows: np.ndarray) -> np.ndarray:
        return rows[self._fragments(store).usable[rows]]

    def collate(self, store: Store, rows: np.ndarray) -> Batch:
        cut = self._fragments(store)
        rows = rows[cut.usable[rows]]
        rows = rows[np.argsort(cut.graphs.lengths(rows)[1], kind="stable")]
        chances = torch.rand(2, len(rows)).tolist() if self.training else [[1.0] * len(rows)] * 2
        kept, derivations, starts = [], [], []
        for row, (nodes, edges), chance, where in zip(rows, cut.graphs.graphs(rows), *chances, strict=True):
            own = chance >= self.config.any_root
            root = None if own else int(where * len(nodes))
            try:
                derivations.append(self.grammar.derive(cut.ids[nodes].tolist(), edges, root))
            except BadMolecule:  # from this root a ring reaches back over more open sites than there are joins
                continue
            kept.append(row)
            starts.append(START if own else START_ANYWHERE)
        rows = np.array(kept, np.int64)
        graphs = store.graphs(rows)
        atoms = Atoms.of(graphs._replace(atoms=cut.atom_ids[graphs.atoms]))
        return Batch(atoms, Actions.of(self.grammar, derivations, starts), self._property_rows(store, rows))

    def loss(self, batch: Batch) -> Loss:
        """Negative evidence lower bound with a weight on the KL term, in nats a molecule, and two small terms beside:
        the prior's flow (which leaves encoder and decoder alone) and the squared error of the property head. In
        evaluation mode the noise is the same each time."""
        mean, log_variance = self.encoder(batch.atoms)
        generator = None if self.training else seeds.torch_generator(0, "graph-vae", device=str(mean.device))
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        z = mean + (0.5 * log_variance).exp() * noise
        told = self._told(z)
        reconstruction = self.decoder.nats(batch.actions, z * told)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        count = batch.atoms.molecules
        charged = (kl * told).sum() - told.sum() * self.config.free_nats
        if self.config.free_nats:
            charged = charged.clamp(min=0)
        prior = self.prior.loss(z.detach(), generator)
        total = reconstruction + self.config.kl_weight * charged + prior
        parts = {"reconstruction": reconstruction.detach(), "kl": kl.sum().detach(), "prior": prior.detach()}
        if self.config.without_latent and not self.training:
            parts["alone"] = self.decoder.nats(batch.actions, torch.zeros_like(z)).detach()
        if self.property_head is not None:
            known = batch.properties.isfinite()
            error = (self.property_head(mean).float() - batch.properties.nan_to_num()).square()
            squared = torch.where(known, error, 0).mean(1).sum()
            total = total + self.config.property_weight * squared
            parts["properties"] = squared.detach()
        return Loss(total, count, parts)

    def _told(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch 1"]:
        """1 for the molecules whose latent the decoder is told, 0 for those it is to write from the origin."""
        chance = (
            torch.rand(len(z), 1, device=z.device) if self.training and self.config.without_latent else z.new_ones(1)
        )
        return (chance >= self.config.without_latent).to(z.dtype).expand(len(z), 1)

    @cached_property
    def largest_ring(self) -> int | None:
        """Atoms of the largest ring of any fragment; None if this model has no fragments with rings."""
        return largest_ring(self.grammar)

    def fragmenter(self) -> Fragmenter:
        """What cuts molecules into this model's symbols."""
        return Fragmenter(frozenset(text for text in self.grammar.texts if len(symbol(text).atoms) > 1))

    def _fragments(self, store: Store) -> _Cut:
        """A store's fragment graphs in this model's ids; made, with progress, if they are not there yet."""
        key = str(store.folder)
        if key not in self._cut:
            vocabulary = [text for text in self.grammar.texts if len(symbol(text).atoms) > 1]
            cut = FragmentStore.of(store, vocabulary)
            self._cut[key] = _Cut.of(self, store, cut)
        return self._cut[key]

    def _property_rows(self, store: Store, rows: np.ndarray) -> Tensor:
        columns = [store.property_names.index(name) for name in self.properties if name in store.property_names]
        values = np.full((len(rows), len(self.properties)), np.nan, np.float32)
        if columns and len(columns) == len(self.properties):
            mean, spread = np.array(list(self.properties.values()), np.float32).T
            values = (np.asarray(store.properties[rows][:, columns]) - mean) / spread
        return torch.from_numpy(values)

    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`: latent vectors of the prior, decoded."""
        from molgen.generators.graph_vae.drawing import sample

        return sample(self, n, seed, first, GraphVAEDrawing() if drawing is None else drawing)  # type: ignore[arg-type]

    def encode(self, smiles: Sequence[str]) -> Float[Tensor, "batch latent"]:
        """The posterior mean of each molecule; NaN for one that cannot be encoded (`latent.encode` says why)."""
        from molgen.generators.graph_vae.latent import encode

        return encode(self, smiles).vectors

    def decode(self, z: Float[Tensor, "batch latent"], *, seed: int | None = None) -> Samples:
        """The molecule of each latent vector: the likeliest actions, or drawn with a seed."""
        from molgen.generators.graph_vae.latent import decoded

        uniforms = None
        if seed is not None:
            uniforms = seeds.uniforms(seeds.child(seed, "graph-vae"), np.arange(len(z)), self.longest)
        return decoded(self, z, uniforms)


def _closes(texts: Sequence[str], cap: str) -> bool:
    """True if some symbol of one atom and one site can stand where `cap` would."""
    order = symbol(cap).sites[0].order
    found = (symbol(text) for text in texts)
    return any(len(s.atoms) == 1 and [site.order for site in s.sites] == [order] for s in found)
