"""What the molecules are made of: coverage of the data's parts, unknown and rare ring systems, strain, accessibility.

Coverage: of all occurrences of a kind of part in the held-out molecules, the share whose part any draw has. Rarity is
that of the score `ring_rarity`: -log10 of the share that a molecule's rarest ring system has of the training set's ring
systems, raised by one, so that an unseen one has a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from molgen.evaluate.further.context import Context, Subject
from molgen.evaluate.further.figures import Figure, covered, mean, share
from molgen.evaluate.metrics import NotMeasuredError

UNUSUAL = 1e-4  # of the training molecules have at most this share of a ring system: it is unusual
HARD = 6.0  # a synthetic accessibility above it is hard (Ertl and Schuffenhauer, J. Cheminform. 1:8, 2009)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MISSED = 5  # most frequent parts of the data that no draw has, which are named


def _scaffolds(subject: Subject) -> list[list[str]]:
    return [[scaffold] if scaffold else [] for scaffold in subject.structures.scaffolds]


def _groups(subject: Subject) -> list[list[str]]:
    return subject.structures.groups


def _rings(subject: Subject) -> list[list[str]]:
    return subject.structures.rings


KINDS: Mapping[str, tuple[str, Callable[[Subject], list[list[str]]]]] = {
    "scaffold": ("a scaffold of two rings or more", _scaffolds),
    "functional group": ("a functional group", _groups),
    "ring system": ("a ring system", _rings),
}


def occurrences(subject: Subject, kind: str) -> Counter[str]:
    """How often each part of a kind stands in a subject's molecules."""
    found = Counter[str]()
    parts = KINDS[kind][1](subject)
    for row in subject.row:
        found.update(parts[row])
    return found


def part_coverage(context: Context, kind: str, split: str = "test") -> Figure:
    """The share of a kind's occurrences in the split whose part any of the draws has."""
    draws = context.drawn()
    whole = kind == "scaffold"  # known of the whole split
    data = context.evidence.split(split).scaffolds if whole else occurrences(context.held_out(), kind)
    if not data:
        raise NotMeasuredError(f"no molecule of {split!r} has {KINDS[kind][0]}")
    return coverage_of(data, [KINDS[kind][1](draws)[row] for row in draws.row])


def coverage_of(data: Counter[str], drawn: Sequence[Sequence[str]]) -> Figure:
    """The same, from the data's counts and each draw's parts."""
    place = {part: i for i, part in enumerate(data)}
    by, last = np.zeros((2, len(data)), np.int64)
    for number, parts in enumerate(drawn):
        for i in {place[part] for part in parts if part in place}:
            by[i] += 1
            last[i] = number
    return covered(np.array(list(data.values()), np.float64), by, last, len(drawn))


def missed(context: Context) -> dict[str, Any]:
    """Of each kind: distinct parts in the compared part of the test split, how many of them the draws have, and the
    most frequent ones that they do not have, with the number of molecules in which those stand."""
    found = {}
    for kind in KINDS:
        data, own = occurrences(context.held_out(), kind), occurrences(context.drawn(), kind)
        absent = Counter({part: count for part, count in data.items() if part not in own})
        found[kind] = {
            "distinct": len(data),
            "drawn": len(data) - len(absent),
            "missed": dict(absent.most_common(MISSED)),
        }
    return found


def _rarest(context: Context) -> np.ndarray:
    """Training molecules that have each draw's rarest ring system, int64 (draws,); all of them without rings."""
    draws, train = context.drawn(), context.train
    rarest = [min((train.rings[ring] for ring in rings), default=len(train)) for rings in draws.structures.rings]
    return np.array(rarest, np.int64)[draws.row]


def ring_novelty(context: Context) -> Figure:
    """Share of the molecules with a ring system that no training molecule has."""
    return share(_rarest(context) == 0)


def unusual_rings(context: Context) -> Figure:
    """Share of the molecules with a ring system that fewer than one training molecule in 10,000 has."""
    return share(_rarest(context) < UNUSUAL * len(context.train))


def ring_rarity(context: Context) -> Figure:
    """Mean over the molecules of -log10 of their rarest ring system's share of all of the training set's; 0 without."""
    rarest, total = _rarest(context), sum(context.train.rings.values())
    without = np.array([not rings for rings in context.subject.structures.rings])[context.subject.row]
    return mean(np.where(without, 0.0, np.log10((total + 1) / (rarest + 1))))


def strained(context: Context) -> Figure:
    """Share of the molecules with a strained motif (`molgen.chem.strain`)."""
    draws = context.drawn()
    return share(np.array([bool(motifs) for motifs in draws.structures.strained])[draws.row])


def motifs(subject: Subject) -> dict[str, int]:
    """In how many molecules each strained motif stands, the most frequent first."""
    found = Counter(motif for row in subject.row for motif in subject.structures.strained[row])
    return dict(found.most_common())


def accessibility(subject: Subject) -> np.ndarray:
    """The synthetic accessibility score of each molecule (1 easy, 10 hard), float64."""
    return subject.structures.number("SA").astype(np.float64)[subject.row]


def mean_accessibility(context: Context) -> Figure:
    """Mean synthetic accessibility score."""
    return mean(accessibility(context.drawn()), low=1.0, high=10.0)


def hard_to_make(context: Context) -> Figure:
    """Share of the molecules whose synthetic accessibility score is above 6."""
    return share(accessibility(context.drawn()) > HARD)


def quantiles(values: np.ndarray) -> dict[str, float]:
    """The 5, 25, 50, 75 and 95 % quantiles."""
    return {f"{100 * q:g} %": float(v) for q, v in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)}


METRICS: dict[str, Callable[[Context], Figure]] = {
    "ScafCoverage/Test": partial(part_coverage, kind="scaffold"),
    "ScafCoverage/TestSF": partial(part_coverage, kind="scaffold", split="test_scaffolds"),
    "GroupCoverage/Test": partial(part_coverage, kind="functional group"),
    "RingCoverage/Test": partial(part_coverage, kind="ring system"),
    "RingNovelty": ring_novelty,
    "UnusualRings": unusual_rings,
    "RingRarity": ring_rarity,
    "Strained": strained,
    "SAMean": mean_accessibility,
    "SAHard": hard_to_make,
}
