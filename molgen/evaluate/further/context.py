"""What the further metrics look at: a subject (draws, or reference molecules in their place) and the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.chem.tanimoto import top
from molgen.core.cache import cache_folder
from molgen.evaluate.further.structures import Structures, Training, structures, training
from molgen.evaluate.metrics import Evidence, NotMeasuredError, NotNamedError
from molgen.evaluate.reference import Fetched, Reference
from molgen.evaluate.statistics import kept, set_key

VERSION = 1  # raised when what is kept, or how it is computed, changes


@dataclass
class Subject:
    """Molecules as points: canonical SMILES in drawing order, repeats included. References are kept in the cache."""

    label: str
    smiles: list[str]
    workers: int = 1
    reference: bool = False
    given: np.ndarray | None = None  # ChemNet activations of each point
    why: str = ""  # there are none

    def __len__(self) -> int:
        return len(self.smiles)

    def spread(self, n: int) -> Subject:
        """n points of a reference, evenly spread over it, for its file may be sorted; itself if it has no more."""
        if len(self) <= n:
            return self
        return replace(self, label=f"{self.label}, {n:,}", smiles=[self.smiles[i * len(self) // n] for i in range(n)])

    @cached_property
    def distinct(self) -> list[str]:
        """The distinct SMILES, in the order of their first appearance."""
        return list(dict.fromkeys(self.smiles))

    @cached_property
    def row(self) -> np.ndarray:
        """The place of each point in `distinct`, int64 (points,)."""
        place = {smiles: i for i, smiles in enumerate(self.distinct)}
        return np.array([place[smiles] for smiles in self.smiles], np.int64)

    @cached_property
    def structures(self) -> Structures:
        """Of the distinct molecules."""
        return structures(self.label, self.distinct, self.workers, keep=self.reference)

    @cached_property
    def fingerprints(self) -> np.ndarray:
        """Of each point, uint8 (points, 128)."""
        return self.structures.fingerprints[self.row]

    @cached_property
    def activations(self) -> np.ndarray:
        """ChemNet's, of each point, float32 (points, 512); NotMeasuredError where its weights are missing."""
        from molgen.evaluate.chemnet import ChemNetMissingError, activations

        if self.given is not None:
            return self.given
        if not self.reference:
            raise NotMeasuredError(self.why)
        folder = cache_folder() / "activations" / f"{set_key(self.distinct)[:32]}-{VERSION}"
        try:
            found = kept_array(folder, lambda: activations(self.distinct, workers=self.workers, label=self.label))
        except ChemNetMissingError as error:
            raise NotMeasuredError(str(error)) from None
        return found[self.row]

    def at_least(self, n: int, what: str) -> None:
        """A NotMeasuredError if there are fewer than n molecules."""
        if len(self) < n:
            raise NotMeasuredError(f"needs {n:,} {what}, there {'is' if len(self) == 1 else 'are'} {len(self):,}")


@dataclass
class Context:
    """One subject against the reference. `chosen`: a part of the training set that is no subject; `all_train`: all."""

    evidence: Evidence
    subject: Subject
    test: Subject
    chosen: Subject
    all_train: Sequence[str]
    workers: int = 1
    shared: dict[str, object] = field(default_factory=dict)  # between the contexts of one evaluation

    def drawn(self, n: int = 1) -> Subject:
        """The subject, which has at least n molecules."""
        if not len(self.subject):
            raise NotMeasuredError("no valid molecule was drawn")
        self.subject.at_least(n, "valid draws")
        return self.subject

    def held_out(self, n: int = 1) -> Subject:
        """Molecules of the test split, at least n."""
        if not len(self.test):
            raise NotNamedError("the reference has no 'test' split")
        self.test.at_least(n, "molecules of 'test'")
        return self.test

    def train_part(self, n: int = 1) -> Subject:
        """A part of the training set, at least n molecules."""
        if not len(self.all_train):
            raise NotMeasuredError("the reference has no 'train' split")
        self.chosen.at_least(n, "molecules of 'train'")
        return self.chosen

    @property
    def train(self) -> Training:
        """What is known of all of the training set."""
        if not len(self.all_train):
            raise NotMeasuredError("the reference has no 'train' split")
        if "train" not in self.shared:
            self.shared["train"] = training(self.all_train, self.workers)
        found = self.shared["train"]
        if not isinstance(found, Training) or not len(found):
            raise NotMeasuredError("the reference's 'train' split holds no molecules")
        return found

    def nearest_train(self, subject: Subject) -> np.ndarray:
        """The Tanimoto similarity of each point to its nearest training molecule, float32 (points,)."""
        name = f"nearest {subject.label}"
        if name not in self.shared:
            self.shared[name] = self._nearest_train(subject)
        found = self.shared[name]
        return np.asarray(found)[subject.row]

    def _nearest_train(self, subject: Subject) -> np.ndarray:
        train = self.train

        def make() -> np.ndarray:
            return top(subject.structures.fingerprints, train.fingerprints, 1, workers=self.workers).similarity[:, 0]

        if not subject.reference:
            return make()
        key = f"{set_key(subject.distinct)[:24]}-{set_key(self.all_train)[:24]}-{VERSION}"
        return kept_array(cache_folder() / "nearest" / key, make)


def kept_array(folder: Path, make) -> np.ndarray:  # type: ignore[no-untyped-def]
    """An array from the cache, or made and put there."""

    def read(folder: Path) -> np.ndarray:
        return np.load(folder / "values.npy", allow_pickle=False)

    return kept(folder, read, make, lambda folder, values: np.save(folder / "values.npy", values))


def of_reference(
    scanned: Reference | Fetched, split: str, n: int, seed: int, workers: int, *, half: int | None = None
) -> Subject:
    """At most n molecules of a split, canonical; with `half`, every other one of 2 n (0: even, 1: odd ones).

    The two halves have no molecule in common, so that one can be measured against the other.
    """
    limit = n if half is None else 2 * n
    smiles = scanned.draw(split, limit, seed).smiles if scanned.size(split) else []
    if half is not None:
        smiles = smiles[half::2]
    return Subject(f"{split}{'' if half is None else half}", _canonical(smiles), workers, reference=True)


def _canonical(smiles: Sequence[str]) -> list[str]:
    found = []
    for text in smiles:
        try:
            found.append(Chem.MolToSmiles(parse(text)))
        except BadMolecule:
            continue
    return found


def of_draws(evidence: Evidence, n: int) -> Subject:
    """The first n valid draws, with the activations that FCD had computed for them."""
    smiles = evidence.draws.valid[:n]
    given = None
    if evidence.activations is not None:
        place = {text: i for i, text in enumerate(evidence.generated.smiles)}
        if all(text in place for text in smiles):
            given = evidence.activations[[place[text] for text in smiles]]
    return Subject("generated", smiles, evidence.workers, given=given, why=evidence.no_chemnet)
