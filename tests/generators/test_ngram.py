"""The n-gram model: its counts against a dictionary, its probabilities against their sum."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from molgen.core.errors import SettingsError
from molgen.data.store import Store
from molgen.generators import ngram
from molgen.generators.ngram import Ngram, NgramConfig
from molgen.represent.tokens import BOS, EOS, tokenize
from molgen.training.settings import RunSettings
from molgen.training.train import train


def _by_hand(texts: list[str], text: str, tokens: int, config: NgramConfig) -> float:
    """Counts of every context in a dictionary, and back-off to the longest one that is in it."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for known in texts:
        letters = ["^", *tokenize(known), "$"]
        for i in range(1, len(letters)):
            for k in range(min(config.order, i) + 1):
                counts[tuple(letters[i - k : i])][letters[i]] += 1
    letters, total = ["^", *tokenize(text), "$"], 0.0
    for i in range(1, len(letters)):
        context = tuple(letters[max(0, i - config.order) : i])
        while context not in counts:
            context = context[1:]
        found = counts[context]
        share = (found[letters[i]] + config.smoothing) / (found.total() + config.smoothing * tokens)
        total += math.log(share)
    return total


@pytest.mark.parametrize("order", [1, 4, 10])
def test_log_prob_is_that_of_a_dictionary_of_all_contexts(features: Path, order: int) -> None:
    store, config = Store.open(features), NgramConfig(order=order)
    rows = Ngram.usable(store, store.rows("train"))
    model = Ngram.fit(config, store, rows, 0)
    texts = [*store.smiles(Ngram.usable(store, store.rows("valid"))[:15]), store.smiles(rows)[0]]
    known = store.smiles(rows)
    expected = [_by_hand(known, t, len(store.vocabulary) - 3, config) for t in texts]
    assert model.log_prob(texts).tolist() == pytest.approx(expected, rel=1e-9)


def test_off_the_vocabulary_is_minus_infinity(features: Path) -> None:
    store = Store.open(features)
    model = Ngram.fit(NgramConfig(), store, Ngram.usable(store, store.rows("train")), 0)
    assert model.log_prob(["[Xe]", "C" * 1000]).tolist() == [-math.inf, -math.inf]


def test_settings_of_the_loop_are_refused(features: Path, tmp_path: Path) -> None:
    settings = RunSettings.load(None, ["training.learning_rate=0.1"])
    with pytest.raises(SettingsError, match=r"training.learning_rate: .*leave it out"):
        train("ngram", features, tmp_path / "model", settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", [7, 50, 1 << 22])
def test_windows_are_those_of_a_dictionary_however_they_are_parted(
    features: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngram, "PART", part)
    store, order = Store.open(features), 4
    texts = store.smiles(Ngram.usable(store, store.rows("train"))[:20])
    ids = [[BOS, *store.vocabulary.encode(text).tolist(), EOS] for text in texts]
    expected = Counter(tuple(t[max(0, i - order) : i + 1]) for t in ids for i in range(1, len(t)))
    stream = np.array([i for t in ids for i in t], np.uint8)
    at, times = ngram._windows(stream, order, len(store.vocabulary))
    found = Counter[tuple[int, ...]]()
    for end, count in zip(at.tolist(), times.tolist(), strict=True):
        window = stream[max(0, end - order) : end + 1].tolist()
        begins = [i for i, token in enumerate(window[:-1]) if token == BOS]
        found[tuple(window[begins[-1] if begins else 0 :])] += count
    assert found == expected
