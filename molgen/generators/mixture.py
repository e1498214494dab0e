"""`mixture`: a Gaussian mixture of bags of fragments, and bags that are put together.

A molecule is the counts of its fragments (the symbols of the graph families, `represent/symbols`). Counts are modelled
by Gaussians in D dimensions, one a symbol, with weights, means and covariances of low rank: the mean counts of the
molecules of a component, and directions of most variance that all components share. The number of fragments has a
dimension of its own, since what the directions leave out would change it.

A draw is rounded to a bag of whole numbers with as many fragments and, on average, as many of each, until the sites of
the bag could form a tree; which tree is chosen by how often sites of such surroundings were joined in training. Nothing
says how the fragments of a molecule were arranged, so this is what a bag knows of a molecule, and no more.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from rdkit import Chem

from molgen.core import seeds
from molgen.core.errors import InputError
from molgen.core.settings import Settings
from molgen.data.fragment_store import FragmentStore
from molgen.data.store import Store, gather
from molgen.generators.base import DrawingSettings, Samples
from molgen.generators.counted import NOTHING_KEPT, CountedGenerator, Keeper
from molgen.generators.diffusion.trees import Site, likely_tree
from molgen.generators.texts import samples
from molgen.represent.fragments import Edge, FragmentGraph, assemble
from molgen.represent.symbols import Symbol, symbol

NO_BAG = "no bag whose fragments form a tree"
ORDERS = 3
FLOOR = 0.01  # of variances, in squared fragments: whole numbers would have none


class MixtureConfig(Settings):
    """How fine the mixture is."""

    vocabulary: Annotated[int, Field(ge=1, le=20_000)] = 2_000  # fragments of several atoms, the most frequent ones
    components: Annotated[int, Field(ge=1)] = 64
    directions: Annotated[int, Field(ge=1)] = 24  # of variance, in which Gaussians are told apart
    molecules: Annotated[int, Field(ge=1)] = 100_000  # of the training set, at most, drawn with the seed
    steps: Annotated[int, Field(ge=1)] = 30  # of expectation and maximisation, at most
    tries: Annotated[int, Field(ge=1)] = 100  # bags that a draw of the mixture is rounded to before it is given up


class Mixture(CountedGenerator):
    """Weights, means (components, D), directions (r, D), factors of covariances (components, r + 1, r + 1), and how
    well sites of two kinds of surroundings go together. The last row of a factor is that of the number of fragments."""

    name: ClassVar[str] = "mixture"
    Config: ClassVar[type[Settings]] = MixtureConfig
    config: MixtureConfig

    def __init__(self, config: MixtureConfig, texts: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
        self.config, self.texts = config, list(texts)
        self._arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        self.symbols = [symbol(text) for text in texts]
        self.kinds = _kinds(self.symbols)
        self.sites = np.array([[_orders(s)[order] for order in range(1, ORDERS + 1)] for s in self.symbols])
        self.bounds = np.cumsum(self._arrays["weights"].astype(float))

    @classmethod
    def fit(cls, config: Settings, store: Store, rows: np.ndarray, seed: int, keeper: Keeper = NOTHING_KEPT) -> Self:
        from scipy.sparse import csr_matrix
        from sklearn.decomposition import TruncatedSVD
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        assert isinstance(config, MixtureConfig)
        found = FragmentStore.of(store, config.vocabulary)
        rows = _trees(found, seeds.numpy_generator(seed, cls.name).permutation(rows)[: config.molecules])
        if len(rows) < config.components or len(found.texts) <= config.directions:
            raise InputError(
                f"{store.folder}: {len(rows)} molecules of {len(found.texts)} fragments are too few for "
                f"model.components = {config.components} and model.directions = {config.directions}; lower them"
            )
        nodes, lengths = gather(found.nodes, found.node_offsets, rows)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        bags = csr_matrix((np.ones(len(nodes)), nodes, starts), (len(rows), len(found.texts)))
        number = seeds.child(seed, cls.name) % 2**32
        pressed = TruncatedSVD(config.directions, random_state=number).fit(bags)
        places = np.column_stack([pressed.transform(bags), lengths])
        gaussians = GaussianMixture(config.components, max_iter=config.steps, reg_covar=FLOOR, random_state=number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `steps` says how far it goes
            shares = csr_matrix(gaussians.fit(places).predict_proba(places))
        arrays = {
            "weights": shares.mean(0).A1,
            "means": (shares.T @ bags).toarray() / shares.sum(0).T,
            "directions": pressed.components_,
            "factors": np.linalg.cholesky(gaussians.covariances_),
            "affinity": _affinity(found, rows),
        }
        return cls(config, found.texts, {name: np.asarray(array) for name, array in arrays.items()})

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        config = MixtureConfig.parse(values["settings"], where="config.yaml")
        texts = values["symbols"]
        count, size, kinds = config.components, len(texts), 1 + max(max(k, default=0) for k in _kinds_of(texts))
        shapes = {
            "weights": (count,),
            "means": (count, size),
            "directions": (config.directions, size),
            "factors": (count, config.directions + 1, config.directions + 1),
            "affinity": (kinds, kinds),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(name)
        return cls(config, texts, arrays)

    def config_values(self) -> dict[str, Any]:
        return {"settings": self.config.values(), "symbols": self.texts}

    def arrays(self) -> dict[str, np.ndarray]:
        return self._arrays

    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered."""
        texts = [self._draw(seeds.numpy_generator(seed, self.name, draw)) for draw in range(first, first + n)]
        found = samples(texts)
        return Samples(found.smiles, [NO_BAG if t is None else r for t, r in zip(texts, found.reasons, strict=True)])

    def _draw(self, chance: np.random.Generator) -> str | None:
        counts = self.counts(chance)
        for bag in self._bags(counts, chance):
            edges = self._tree(bag, chance)
            if edges is not None:
                mol = assemble(FragmentGraph([self.texts[node] for node in bag], edges))
                mol.UpdatePropertyCache(strict=False)
                return str(Chem.MolToSmiles(mol))
        return None

    def counts(self, chance: np.random.Generator) -> Float[np.ndarray, " symbols"]:
        """A draw of the mixture. What is below zero is zero; the rest is scaled to the number of fragments drawn."""
        component = min(int(np.searchsorted(self.bounds, chance.random() * self.bounds[-1])), len(self.bounds) - 1)
        factor, mean = self._arrays["factors"][component], self._arrays["means"][component]
        *places, more = factor @ chance.standard_normal(len(factor))
        positive = np.maximum(mean + places @ self._arrays["directions"], 0).astype(float)
        return positive * (max(float(mean.sum()) + more, 1.0) / max(positive.sum(), 1e-9))

    def _bags(
        self, counts: Float[np.ndarray, " symbols"], chance: np.random.Generator
    ) -> Iterator[Int[np.ndarray, " fragments"]]:
        """Symbols, each as often as its count says on average, whose sites are as many as those of a tree."""
        for _ in range(self.config.tries):
            bag = rounded(counts, chance)
            open_sites = self.sites[bag].sum(0)
            if len(bag) and open_sites.sum() == 2 * (len(bag) - 1) and not (open_sites % 2).any():
                yield bag

    def _tree(self, bag: Int[np.ndarray, " fragments"], chance: np.random.Generator) -> list[Edge] | None:
        """Edges that use each site once: the likeliest tree when each possible join is given some luck."""
        own = [sorted(set(self.kinds[node])) for node in bag]
        open_sites = [
            Counter(Site(s.order, kinds.index(k)) for s, k in zip(self.symbols[n].sites, self.kinds[n], strict=True))
            for n, kinds in zip(bag, own, strict=True)
        ]

        def weight(u: int, v: int) -> np.ndarray:
            known = self._arrays["affinity"][np.ix_(own[u], own[v])]
            return known + chance.gumbel(size=known.shape)

        joins = likely_tree(open_sites, weight)
        if joins is None:
            return None
        free = [list(enumerate(self.kinds[node])) for node in bag]

        def taken(node: int, kind: int) -> int:
            """The first free site of a kind, which is free no longer."""
            site = next(pair for pair in free[node] if pair[1] == own[node][kind])
            free[node].remove(site)
            return site[0]

        return [(j.u, taken(j.u, j.a.kind), j.v, taken(j.v, j.b.kind)) for j in joins]


def rounded(counts: Float[np.ndarray, " symbols"], chance: np.random.Generator) -> Int[np.ndarray, " fragments"]:
    """A bag of whole numbers, in mean the counts, in all their sum rounded up or down: systematic sampling."""
    order = chance.permutation(np.flatnonzero(counts))
    bounds = np.floor(np.cumsum(counts[order]) + chance.random()).astype(np.int64)
    return np.repeat(order, np.diff(bounds, prepend=0))


def _trees(found: FragmentStore, rows: np.ndarray) -> np.ndarray:
    """Those of `rows` that are trees of known symbols."""
    nodes, edges = found.lengths(rows)
    values, counts = gather(found.nodes, found.node_offsets, rows)
    strange = np.bincount(np.repeat(np.arange(len(rows)), counts)[values >= len(found.texts)], minlength=len(rows))
    return rows[(nodes > 0) & (edges == nodes - 1) & (strange == 0)]


def _affinity(found: FragmentStore, rows: np.ndarray) -> Float[np.ndarray, "kinds kinds"]:
    """How much more often than by chance sites of two kinds are joined: its logarithm, with one join of each added."""
    kinds = _kinds([symbol(text) for text in found.texts])
    width = max(map(len, kinds))
    table = np.array([[*k, *[0] * (width - len(k))] for k in kinds])
    nodes, node_counts = gather(found.nodes, found.node_offsets, rows)
    edges, edge_counts = gather(found.edges, found.edge_offsets, rows)
    first = np.repeat(np.cumsum(node_counts) - node_counts, edge_counts)
    u, i, v, j = edges.astype(np.int64).T
    a, b = table[nodes[first + u], i], table[nodes[first + v], j]
    size = 1 + max(max(k, default=0) for k in kinds)
    joins = np.bincount(a * size + b, minlength=size * size).reshape(size, size).astype(float)
    joins += joins.T
    ends = joins.sum(1)
    return np.log((joins + 1) / (np.outer(ends, ends) / max(ends.sum(), 1) + 1))


def _kinds_of(texts: Sequence[str]) -> list[tuple[int, ...]]:
    return _kinds([symbol(text) for text in texts])


def _kinds(symbols: Sequence[Symbol]) -> list[tuple[int, ...]]:
    """For each site of each symbol a number of its surroundings: the atom, its bonds within the symbol, its sites."""
    numbers: dict[tuple[Any, ...], int] = {}
    out = []
    for found in symbols:
        bonds: list[list[int]] = [[] for _ in found.atoms]
        for begin, end, kind in found.bonds:
            bonds[begin].append(kind)
            bonds[end].append(kind)
        there = Counter(site.atom for site in found.sites)
        keys = [(found.atoms[s.atom], tuple(sorted(bonds[s.atom])), there[s.atom], s.order) for s in found.sites]
        out.append(tuple(numbers.setdefault(key, len(numbers)) for key in keys))
    return out


def _orders(found: Symbol) -> Counter[int]:
    """Sites by the order of their bond."""
    return Counter(site.order for site in found.sites)
