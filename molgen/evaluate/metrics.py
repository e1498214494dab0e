"""The metrics, one function each, and the table that names them.

Definitions are those of MOSES (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644), with one difference: validity
is strict (one whole molecule that sanitizes, over all draws). Repeats count in every metric over molecules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from molgen.chem.fingerprints import nearest, tanimoto
from molgen.core.workers import map_ordered
from molgen.evaluate.describe import Described
from molgen.evaluate.draws import Draws
from molgen.evaluate.frechet import Gaussian, frechet_distance

BLOCK = 1_000


class NotMeasuredError(Exception):
    """There are too few molecules for this metric; the message says what is missing."""


class NotNamedError(Exception):
    """The metric is not part of this evaluation (no such split, fewer draws than its name says)."""


@dataclass(frozen=True)
class Evidence:
    """All that the metrics look at. `known`: distinct valid draws that stand in the reference's train split."""

    draws: Draws
    known: set[str]
    generated: Described
    splits: Mapping[str, Described]
    train_size: int
    workers: int = 1
    chemnet: Mapping[str, Gaussian] = field(default_factory=dict)  # of "generated" and of splits
    activations: np.ndarray | None = None  # ChemNet's, of the distinct generated molecules
    no_chemnet: str = "no ChemNet statistics"  # why, where they are missing

    @cached_property
    def similarity_moments(self) -> dict[int, np.ndarray]:
        """For each distinct generated molecule the mean over all of T (key 1) and of T^2 (key 2), T the Tanimoto."""
        counts = self.some().counts
        return dict(zip((1, 2), self.similarity_sums((1, 2), counts) / counts.sum(), strict=True))

    def similarity_sums(self, powers: Sequence[int], weights: np.ndarray) -> np.ndarray:
        """For each distinct generated molecule the sum over all of T^p times their weights, float64 (powers, distinct).

        T is symmetric: each pair of blocks is looked at once.
        """
        fingerprints = self.some().fingerprints
        starts = range(0, len(fingerprints), BLOCK)
        work = partial(_sums, fingerprints=fingerprints, powers=powers, weights=weights)
        found: np.ndarray = np.sum([*map_ordered(work, starts, self.workers if len(starts) > 2 else 1)], axis=0)
        return found

    def nearest(self, split: str) -> np.ndarray:
        """The similarity of each distinct generated molecule to its nearest neighbour in a split."""
        if split not in self._nearest:
            work = partial(_nearest, others=self.split(split).fingerprints)
            self._nearest[split] = np.concatenate(self.over_blocks(work))
        return self._nearest[split]

    @cached_property
    def _nearest(self) -> dict[str, np.ndarray]:
        return {}

    def over_blocks(self, work: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
        """`work` over blocks of the generated fingerprints, in order; a few blocks are not worth other processes."""
        fingerprints = self.some().fingerprints
        blocks = [fingerprints[i : i + BLOCK] for i in range(0, len(fingerprints), BLOCK)]
        return list(map_ordered(work, blocks, self.workers if len(blocks) > 2 else 1))

    def split(self, name: str) -> Described:
        """A held-out split that has molecules."""
        if name not in self.splits or not len(self.splits[name]):
            raise NotNamedError(f"the reference has no {name!r} split")
        return self.splits[name]

    def some(self) -> Described:
        """The generated molecules, at least one."""
        if not len(self.generated):
            raise NotMeasuredError("no valid molecule was drawn")
        return self.generated


def valid(evidence: Evidence) -> float:
    """Share of all draws that are one whole molecule, without repair."""
    return len(evidence.draws.valid) / len(evidence.draws)


def valid_literature(evidence: Evidence) -> float:
    """Share of all draws that RDKit reads, several fragments and repaired ones included."""
    return evidence.draws.readings[1] / len(evidence.draws)


def unique(evidence: Evidence) -> float:
    """Share of distinct molecules among the valid draws."""
    evidence.some()
    return len(set(evidence.draws.valid)) / len(evidence.draws.valid)


def unique_at(evidence: Evidence, k: int) -> float:
    """Share of distinct molecules among the first `k` valid draws; as in MOSES, among all if they are fewer."""
    if len(evidence.draws) < k:
        raise NotNamedError(f"needs {k:,} draws, there are {len(evidence.draws):,}")
    evidence.some()
    molecules = evidence.draws.valid[:k]
    return len(set(molecules)) / len(molecules)


def novelty(evidence: Evidence) -> float:
    """Share of the distinct valid molecules that do not stand in the train split."""
    evidence.some()
    if not evidence.train_size:
        raise NotMeasuredError("the reference has no 'train' split")
    distinct = len(set(evidence.draws.valid))
    return 1 - len(evidence.known) / distinct


def internal_diversity(evidence: Evidence, p: int) -> float:
    """1 - mean over molecules of (mean over all molecules of T^p)^(1/p), T the Tanimoto similarity, itself included."""
    means = evidence.similarity_moments[p] ** (1 / p)
    return 1 - float(np.average(means, weights=evidence.generated.counts))


def _sums(start: int, fingerprints: np.ndarray, powers: Sequence[int], weights: np.ndarray) -> np.ndarray:
    """What the pairs of one block with itself and with all later ones add to the sums of both."""
    total, rows = np.zeros((len(powers), len(fingerprints))), slice(start, start + BLOCK)
    for other in range(start, len(fingerprints), BLOCK):
        columns = slice(other, other + BLOCK)
        similarity = tanimoto(fingerprints[rows], fingerprints[columns]).astype(np.float64)
        for sums, power in zip(total, powers, strict=True):
            powered = similarity if power == 1 else similarity**power
            sums[rows] += powered @ weights[columns]
            if other != start:
                sums[columns] += weights[rows] @ powered
    return total


def nearest_similarity(evidence: Evidence, split: str) -> float:
    """Mean Tanimoto similarity of a generated molecule to its nearest neighbour in the split."""
    evidence.split(split)
    return float(np.average(evidence.nearest(split), weights=evidence.some().counts))


def _nearest(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return nearest(some, others)[1].astype(np.float64)


def chemnet_distance(evidence: Evidence, split: str) -> float:
    """Fréchet ChemNet distance of the generated molecules to the split."""
    evidence.split(split)
    if len(evidence.some()) < 2:
        raise NotMeasuredError("needs two valid draws, there is one")
    if "generated" not in evidence.chemnet or split not in evidence.chemnet:
        raise NotMeasuredError(evidence.no_chemnet)
    if evidence.chemnet[split].n < 2:
        raise NotMeasuredError(f"needs two molecules of {split!r}")
    return frechet_distance(evidence.chemnet["generated"], evidence.chemnet[split])


def passing(evidence: Evidence) -> float:
    """Share of the molecules that pass the benchmark's filters (`molgen.chem.moses_filters`)."""
    generated = evidence.some()
    return float(np.average(generated.passes, weights=generated.counts))


def fragment_similarity(evidence: Evidence, split: str) -> float:
    """Cosine of the BRICS fragment counts of the generated molecules and of the split."""
    held_out = evidence.split(split)
    return cosine(evidence.some().fragments, held_out.fragments)


def scaffold_similarity(evidence: Evidence, split: str) -> float:
    """Cosine of the Murcko scaffold counts (two rings or more) of the generated molecules and of the split."""
    held_out, generated = evidence.split(split), evidence.some()
    if not generated.scaffolds:
        raise NotMeasuredError("no generated molecule has a scaffold of two rings or more")
    if not held_out.scaffolds:
        raise NotMeasuredError(f"no molecule of {split!r} has a scaffold of two rings or more")
    return cosine(generated.scaffolds, held_out.scaffolds)


def cosine(a: Counter[str], b: Counter[str]) -> float:
    """Cosine similarity of two count vectors, 0 to 1; neither may be empty."""
    product = sum(count * b[key] for key, count in a.items())
    lengths = sum(n * n for n in a.values()) * sum(n * n for n in b.values())  # Python integers do not overflow
    return float(product / lengths**0.5)


def property_distance(evidence: Evidence, name: str) -> float:
    """Wasserstein-1 distance of a property between the generated molecules and the test split, in its own unit."""
    held_out, generated = evidence.split("test").values(name), evidence.some().values(name)
    if not len(held_out) or not len(generated):
        raise NotMeasuredError(f"no values of {name}")
    return wasserstein(generated, held_out)


def wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """Area between the cumulative distributions of two samples (the earth mover's distance in one dimension)."""
    a, b = np.sort(a), np.sort(b)
    points = np.sort(np.concatenate([a, b]))
    below_a = np.searchsorted(a, points[:-1], side="right") / len(a)
    below_b = np.searchsorted(b, points[:-1], side="right") / len(b)
    return float(np.sum(np.abs(below_a - below_b) * np.diff(points)))


METRICS: Mapping[str, Callable[[Evidence], float]] = {
    "valid": valid,
    "valid_literature": valid_literature,
    "unique": unique,
    "unique@1000": partial(unique_at, k=1_000),
    "unique@10000": partial(unique_at, k=10_000),
    "Novelty": novelty,
    "Filters": passing,
    "FCD/Test": partial(chemnet_distance, split="test"),
    "FCD/TestSF": partial(chemnet_distance, split="test_scaffolds"),
    "IntDiv": partial(internal_diversity, p=1),
    "IntDiv2": partial(internal_diversity, p=2),
    "SNN/Test": partial(nearest_similarity, split="test"),
    "SNN/TestSF": partial(nearest_similarity, split="test_scaffolds"),
    "Frag/Test": partial(fragment_similarity, split="test"),
    "Frag/TestSF": partial(fragment_similarity, split="test_scaffolds"),
    "Scaf/Test": partial(scaffold_similarity, split="test"),
    "Scaf/TestSF": partial(scaffold_similarity, split="test_scaffolds"),
    "logP": partial(property_distance, name="logP"),
    "SA": partial(property_distance, name="SA"),
    "QED": partial(property_distance, name="QED"),
    "weight": partial(property_distance, name="MW"),
}


def measure(
    evidence: Evidence, names: Sequence[str] = tuple(METRICS)
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The metrics, None where there are too few molecules, and a note for each that has no value."""
    values: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for name in names:
        try:
            values[name] = METRICS[name](evidence)
        except NotNamedError as error:
            notes[name] = str(error)
        except NotMeasuredError as error:
            values[name], notes[name] = None, str(error)
    return values, notes
