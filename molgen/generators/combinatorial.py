"""`combinatorial`: the fragments of the training set, joined anew as often as they were joined there.

Molecules are cut at all BRICS bonds (Degen et al. 2008, doi:10.1002/cmdc.200800178); each end of a cut is a site with
BRICS' label of its surroundings. A draw has as many fragments as a training molecule has, and among the trees of so
many fragments it is drawn in proportion to

    product over fragments of count(F)  x  product over joins of joins(a, b) / (sites(a) sites(b)),

all of them counts of the training set. That is a branching process with types a, conditioned on its size, so it can be
drawn exactly: no choice is taken back, and every site finds its partner. The Combinatorial model of MOSES
(Polykovskiy et al. 2020) has the same fragments and sizes, but joins sites without regard to their labels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from rdkit import Chem

from molgen.core import seeds
from molgen.core.settings import Settings
from molgen.core.workers import available_cores, map_ordered
from molgen.data.store import Store
from molgen.generators.base import DrawingSettings, Samples
from molgen.generators.counted import NOTHING_KEPT, CountedGenerator, Keeper
from molgen.generators.texts import samples
from molgen.represent.fragments import Edge, FragmentGraph, assemble
from molgen.represent.symbols import symbol

LABELS = 17  # BRICS' are 1 to 16
MOST = 64  # fragments of a molecule; what has more is not counted
CHUNK = 1_000  # molecules a work item
SITE = re.compile(r"\[(\d+)\*\]")


class CombinatorialConfig(Settings):
    """How much is counted."""

    molecules: Annotated[int, Field(ge=1)] = 200_000  # of the training set, at most, drawn with the seed


class Counts(NamedTuple):
    """What was found in molecules."""

    fragments: Counter[str]  # texts, with [a*] where a site of label a is
    joins: Int[np.ndarray, "labels labels"]  # cut bonds by the labels of their ends, both ways round
    sizes: Int[np.ndarray, " most+1"]  # molecules by their number of fragments

    @classmethod
    def none(cls) -> Self:
        return cls(Counter(), np.zeros((LABELS, LABELS), np.int64), np.zeros(MOST + 1, np.int64))

    def add(self, other: Counts) -> Counts:
        """Both together; the fragments are added in place."""
        self.fragments.update(other.fragments)
        return Counts(self.fragments, self.joins + other.joins, self.sizes + other.sizes)

    def arrays(self) -> dict[str, np.ndarray]:
        """As flat arrays: the texts are one, most frequent first, with line ends between."""
        ordered = sorted(self.fragments.items(), key=lambda item: (-item[1], item[0]))
        texts = "\n".join(text for text, _ in ordered).encode()
        counts = np.array([count for _, count in ordered], np.int64)
        return {
            "texts": np.frombuffer(texts, np.uint8).copy(),
            "counts": counts,
            "joins": self.joins,
            "sizes": self.sizes,
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """From what `arrays` made; a ValueError if it is not of one piece."""
        texts, counts = arrays["texts"].tobytes().decode().split("\n"), arrays["counts"].tolist()
        joins, sizes = arrays["joins"], arrays["sizes"]
        ends = np.zeros(LABELS, np.int64)
        for text, count in zip(texts, counts, strict=True):
            np.add.at(ends, list(labels(text)), count)
        if joins.shape != (LABELS, LABELS) or (joins != joins.T).any() or (joins.sum(1) != ends).any():
            raise ValueError("joins")
        if sizes.shape != (MOST + 1,) or sizes[0] or sizes @ np.arange(MOST + 1) != sum(counts) or min(counts) < 1:
            raise ValueError("sizes")
        return cls(Counter(dict(zip(texts, counts, strict=True))), joins, sizes)


class Combinatorial(CountedGenerator):
    """Counts of fragments, of joins between labels, and of fragments a molecule."""

    name: ClassVar[str] = "combinatorial"
    Config: ClassVar[type[Settings]] = CombinatorialConfig
    config: CombinatorialConfig

    def __init__(self, config: CombinatorialConfig, counts: Counts) -> None:
        self.config, self.counts = config, counts
        self.trees = Trees(counts)

    @classmethod
    def fit(cls, config: Settings, store: Store, rows: np.ndarray, seed: int, keeper: Keeper = NOTHING_KEPT) -> Self:
        assert isinstance(config, CombinatorialConfig)
        rows = seeds.numpy_generator(seed, cls.name).permutation(rows)[: config.molecules]
        kept = keeper.begin(len(rows))
        counts = Counts.of_arrays(kept) if kept else Counts.none()
        first = int(kept["first"][0]) if kept else 0
        chunks = [rows[i : i + CHUNK] for i in range(first, len(rows), CHUNK)]
        work = partial(_cut, store.folder)
        for found, chunk in zip(map_ordered(work, chunks, min(available_cores(), len(chunks))), chunks, strict=True):
            counts = counts.add(found)
            first += len(chunk)
            state = partial(lambda counts, first: counts.arrays() | {"first": np.array([first])}, counts, first)
            keeper.done(len(chunk), state)
        return cls(config, counts)

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        config = CombinatorialConfig.parse(values["settings"], where="config.yaml")
        return cls(config, Counts.of_arrays(arrays))

    def config_values(self) -> dict[str, Any]:
        return {"settings": self.config.values()}

    def arrays(self) -> dict[str, np.ndarray]:
        return self.counts.arrays()

    def sample(self, n: int, *, seed: int, first: int = 0, drawing: DrawingSettings | None = None) -> Samples:
        """Draws `first` to `first + n - 1`, unfiltered."""
        chances = (seeds.numpy_generator(seed, self.name, draw) for draw in range(first, first + n))
        return samples(_text(self.trees.draw(chance)) for chance in chances)


class Trees:
    """Trees of fragments, drawn as the module's docstring says."""

    def __init__(self, counts: Counts) -> None:
        self.sizes = np.cumsum(counts.sizes)
        self.length = int(counts.sizes.nonzero()[0].max()) + 1  # of the arrays below: one more than the most fragments
        ends = counts.joins.sum(1)
        self.affinity = counts.joins / np.maximum(ends, 1)[:, None] / np.maximum(ends, 1)  # (labels, labels)
        self.texts: dict[tuple[int, ...], list[str]] = {}  # fragments by their labels, ascending
        self.bounds: dict[tuple[int, ...], np.ndarray] = {}  # their counts, added up
        by_labels: dict[tuple[int, ...], list[tuple[str, int]]] = {}
        for text, count in sorted(counts.fragments.items(), key=lambda item: (-item[1], item[0])):
            by_labels.setdefault(tuple(sorted(labels(text))), []).append((text, count))
        for key, found in sorted(by_labels.items()):
            self.texts[key] = [text for text, _ in found]
            self.bounds[key] = np.cumsum([count for _, count in found])
        self._forests: dict[tuple[int, ...], np.ndarray] = {}
        self._choices: dict[tuple[int, int], tuple[list[tuple[tuple[int, ...], int]], list[float]]] = {}
        self.branches = np.zeros((LABELS, self.length))  # weight of what hangs on a site, by label and size
        for _ in range(self.length - 1):  # each round makes one size more exact
            self._forests.clear()
            hanging = np.zeros_like(self.branches)  # weight of branches whose first site has a label
            for key, bound in self.bounds.items():
                for label in set(key):
                    rest = self.forest(_without(key, label))
                    hanging[label, 1:] += bound[-1] * key.count(label) * rest[:-1]
            self.branches = self.affinity @ hanging
        self._forests.clear()

    def forest(self, key: tuple[int, ...]) -> Float[np.ndarray, " length"]:
        """Weight of what hangs on sites of these labels all together, by the number of fragments."""
        if key not in self._forests:
            if key:
                both = np.convolve(self.forest(key[:-1]), self.branches[key[-1]])[: self.length]
            else:
                both = np.eye(1, self.length)[0]
            self._forests[key] = both
        return self._forests[key]

    def draw(self, chance: np.random.Generator) -> FragmentGraph:
        """One tree."""
        size = _index(self.sizes, chance)
        texts: list[str] = []
        edges: list[Edge] = []
        todo: list[tuple[int, int, int, int]] = [(-1, -1, 0, size)]  # node, its site, the site's label, fragments there
        while todo:
            node, place, label, left = todo.pop()
            options, bounds = self._options(label, left)
            key, own = options[_index(bounds, chance)]
            text = self.texts[key][_index(self.bounds[key], chance)]
            found = labels(text)
            used = -1
            if own:
                alike = [i for i, other in enumerate(found) if other == own]
                used = alike[int(chance.random() * len(alike))]
                edges.append((node, place, len(texts), used))
            rest = [(i, other) for i, other in enumerate(found) if i != used]
            for (i, other), part in zip(rest, self._parts([other for _, other in rest], left - 1, chance), strict=True):
                todo.append((len(texts), i, other, part))
            texts.append(text)
        return FragmentGraph([SITE.sub("*", text) for text in texts], edges)

    def _options(self, label: int, size: int) -> tuple[list[tuple[tuple[int, ...], int]], list[float]]:
        """Labels of the fragment that may stand at a site (label 0: at the beginning), and its own label there; with
        their weights added up, for branches of a size."""
        if (label, size) not in self._choices:
            options: list[tuple[tuple[int, ...], int]] = []
            weights: list[float] = []
            for key, bound in self.bounds.items():
                for own in sorted(set(key)) if label else [0]:
                    weight = self.affinity[label, own] * key.count(own) if label else 1.0
                    weight *= bound[-1] * self.forest(_without(key, own))[size - 1]
                    if weight > 0:
                        options.append((key, own))
                        weights.append(weight)
            self._choices[label, size] = options, list(accumulate(weights))
        return self._choices[label, size]

    def _parts(self, rest: Sequence[int], size: int, chance: np.random.Generator) -> list[int]:
        """How many of `size` fragments hang on each of some sites."""
        parts: list[int] = []
        for i, label in enumerate(rest[:-1]):
            others = self.forest(tuple(sorted(rest[i + 1 :])))
            parts.append(_index(np.cumsum(self.branches[label, : size + 1] * others[size::-1]), chance))
            size -= parts[-1]
        return [*parts, size] if rest else []


@lru_cache(maxsize=1 << 18)
def labels(text: str) -> tuple[int, ...]:
    """The labels of a fragment's sites, in their order."""
    return tuple(int(label) for label in SITE.findall(text))


def _without(key: tuple[int, ...], label: int) -> tuple[int, ...]:
    """Labels but one; label 0 stands for none."""
    place = key.index(label) if label else len(key)
    return key[:place] + key[place + 1 :]


def _index(bounds: Sequence[float] | np.ndarray, chance: np.random.Generator) -> int:
    """A place, drawn by weights that are given added up."""
    return min(int(np.searchsorted(bounds, chance.random() * bounds[-1], side="right")), len(bounds) - 1)


def _text(graph: FragmentGraph) -> str:
    mol = assemble(graph)
    mol.UpdatePropertyCache(strict=False)
    return str(Chem.MolToSmiles(mol))


def _cut(folder: Path, rows: np.ndarray) -> Counts:
    """The counts of some molecules of a store."""
    counts = Counts.none()
    for text in _store(folder).smiles(rows):
        mol = Chem.MolFromSmiles(text)
        if mol is not None:
            count_fragments(mol, counts)
    return counts


def count_fragments(mol: Chem.Mol, counts: Counts) -> None:
    """Adds the fragments and joins of a molecule, without its stereochemistry, in place."""
    Chem.RemoveStereochemistry(mol)
    cut = Chem.FragmentOnBRICSBonds(mol)
    ends = [cut.GetAtomWithIdx(i).GetIsotope() for i in range(mol.GetNumAtoms(), cut.GetNumAtoms())]
    pairs = list(zip(ends[::2], ends[1::2], strict=True))  # the two ends of a cut stand side by side
    texts = Chem.MolToSmiles(cut).split(".")
    if len(texts) > MOST or not _can_be_written(texts):
        return
    counts.fragments.update(texts)
    counts.sizes[len(texts)] += 1
    for a, b in pairs:
        counts.joins[a, b] += 1
        counts.joins[b, a] += 1


def _can_be_written(texts: Iterable[str]) -> bool:
    """Whether all fragments are symbols: some bonds have none."""
    try:
        return all(len(symbol(SITE.sub("*", text)).sites) == len(labels(text)) for text in texts)
    except ValueError:
        return False


@lru_cache(maxsize=2)
def _store(folder: Path) -> Store:
    return Store.open(folder)
