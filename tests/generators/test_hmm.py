"""The hidden Markov model: expected counts and probabilities against sums over all paths, and what fitting promises."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from molgen.chem.parse import canonical
from molgen.core.errors import ArtifactError
from molgen.data.store import Store
from molgen.generators.folder import load_model
from molgen.generators.hmm import Chances, Hmm, HmmConfig, expected_counts
from molgen.likelihood import likelihood
from molgen.represent.tokens import EOS, PAD, SPECIAL, Vocabulary

VOCABULARY = Vocabulary([*SPECIAL, "C", "N", "O"])
STATES = 3


def _chances(seed: int) -> Chances:
    """Random probabilities of three states and the end."""
    chance = np.random.default_rng(seed)
    start, moves = np.append(chance.random(STATES), 0), chance.random((STATES + 1, STATES + 1))
    emits = np.zeros((STATES + 1, len(VOCABULARY)))
    emits[:-1, len(SPECIAL) :] = chance.random((STATES, 3)) ** 2
    moves[-1], emits[-1, EOS] = [0, 0, 0, 1], 1
    return Chances(start / start.sum(), *(part / part.sum(1, keepdims=True) for part in (moves, emits)))


def _by_hand(chances: Chances, ids: list[int]) -> tuple[float, Chances]:
    """Probability of a text, and expected counts: a sum over all paths of states."""
    total = 0.0
    found = Chances(*(np.zeros_like(part) for part in chances))
    for path in itertools.product(range(STATES + 1), repeat=len(ids)):
        share = chances.start[path[0]] * chances.emits[path[0], ids[0]]
        for before, state, token in zip(path, path[1:], ids[1:], strict=False):
            share *= chances.moves[before, state] * chances.emits[state, token]
        total += share
        found.start[path[0]] += share
        for before, state in itertools.pairwise(path):
            found.moves[before, state] += share
        for state, token in zip(path, ids, strict=True):
            found.emits[state, token] += share
    return total, found * (1 / total)


def _rectangle(texts: list[list[int]]) -> np.ndarray:
    return np.array([[*t, *[PAD] * (max(map(len, texts)) - len(t))] for t in texts], np.uint8)


@pytest.mark.parametrize("seed", [0, 1])
def test_expected_counts_are_those_of_all_paths(seed: int) -> None:
    chances = _chances(seed)
    texts = [[4, 5, EOS], [6, EOS], [4, 4, 6, 5, EOS], [5, EOS]]
    found, nats = expected_counts(chances, _rectangle(texts))
    by_hand = [_by_hand(chances, text) for text in texts]
    assert nats == pytest.approx([math.log(share) for share, _ in by_hand], abs=1e-5)
    for name in Chances._fields:
        expected = sum(getattr(counts, name) for _, counts in by_hand)
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-5)


def test_likelihoods_of_the_verb_are_those_of_all_paths(tmp_path: Path) -> None:
    model = Hmm(HmmConfig(states=STATES), VOCABULARY, 4, "smiles", _chances(2))
    folder = tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    texts = ["".join(t) for n in range(1, 5) for t in itertools.product("CNO", repeat=n)]
    (tmp_path / "in.smi").write_text("\n".join(texts) + "\n")
    likelihood(str(folder), tmp_path / "out.parquet", file=tmp_path / "in.smi", device="cpu")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert len(rows) == len(texts)
    for row in rows:
        ids = [*VOCABULARY.encode(canonical(row["smiles"])).tolist(), EOS]
        assert row["log_prob"] == pytest.approx(math.log(_by_hand(_chances(2), ids)[0]), abs=1e-5)


def test_all_texts_together_are_certain() -> None:
    """Texts of up to five tokens, and the share of walks that have not ended by then."""
    chances = _chances(3)
    model = Hmm(HmmConfig(states=STATES), VOCABULARY, 5, "smiles", chances)
    texts = ["".join(t) for n in range(1, 6) for t in itertools.product("CNO", repeat=n)]
    reached = chances.start
    for _ in range(5):
        reached = reached @ chances.moves
    assert model.log_prob(texts).exp().sum().item() + 1 - reached[-1] == pytest.approx(1, abs=1e-6)


def test_draws_are_as_frequent_as_they_are_likely() -> None:
    model = Hmm(HmmConfig(states=STATES, room=0), VOCABULARY, 12, "smiles", _chances(4))
    drawn = model.written(np.random.default_rng(0).random((20_000, 2 * 13)))
    texts = ["".join(VOCABULARY.tokens[i] for i in row[: row.tolist().index(EOS)]) for row in drawn if EOS in row]
    for text in ("C", "N", "CO", "OC", "NNC"):
        share = model.log_prob([text]).exp().item()
        assert texts.count(text) / len(drawn) == pytest.approx(share, abs=4 * math.sqrt(share / len(drawn)) + 1e-4)


def test_whole_passes_never_lower_the_likelihood(features: Path) -> None:
    """A batch that is all there is, and nothing remembered of the last one, is Baum and Welch's own step."""
    store = Store.open(features)
    rows = Hmm.usable(store, store.rows("train"))[:60]
    texts = store.token_rectangle(rows, before=EOS, after=EOS, pad=PAD)[:, 1:]
    losses = []
    for steps in (1, 2, 5, 12):
        config = HmmConfig(states=12, molecules=60 * steps, batch=60, smoothing=0)
        model = Hmm.fit(config.model_copy(update={"forgetting": 0}), store, rows, 0)
        losses.append(-expected_counts(model.chances, texts)[1].sum())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.95 * losses[0]


def test_fitting_goes_on_where_it_stopped(features: Path) -> None:
    """The arrays that a fit offers for saving are all that it needs."""
    store = Store.open(features)
    rows = Hmm.usable(store, store.rows("train"))
    config = HmmConfig(states=6, molecules=500, batch=100)

    class Keeper:
        def __init__(self, kept: dict[str, np.ndarray]) -> None:
            self.kept, self.saved = kept, []

        def begin(self, total: int) -> dict[str, np.ndarray]:
            assert total == 500
            return self.kept

        def done(self, count: int, arrays: object, note: str = "") -> None:
            self.saved.append(arrays())  # type: ignore[operator]

    first = Keeper({})
    whole = Hmm.fit(config, store, rows, 0, first)
    second = Keeper(first.saved[1])
    rest = Hmm.fit(config, store, rows, 0, second)
    assert len(first.saved) == 5
    assert len(second.saved) == 3
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(rest.arrays()[name], array)


def test_weights_of_other_sizes_are_one_line(tmp_path: Path) -> None:
    Hmm(HmmConfig(states=STATES), VOCABULARY, 4, "smiles", _chances(0)).save(tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text.replace("states: 3", "states: 4"))
    with pytest.raises(ArtifactError, match=r"weights do not fit config.yaml \(at start\); train or copy it again"):
        load_model(str(tmp_path))
