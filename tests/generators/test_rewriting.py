"""The walk of texts towards wishes: its distribution against enumeration, and that a model's draws come nearer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from rdkit import Chem
from torch import Tensor

from molgen.chem.descriptors import DESCRIPTORS
from molgen.core import seeds
from molgen.generators.folder import load_model
from molgen.generators.rewriting import walk
from molgen.generators.smiles_settings import SmilesDrawing
from molgen.generators.texts import molecule
from molgen.represent.tokens import EOS, PAD, SPECIAL, Vocabulary

VOCABULARY = Vocabulary([*SPECIAL, "C", "O", "="])
CHANCE = {"C": 0.4, "O": 0.15, "=": 0.1}  # of a token at each place; the rest ends the text
LONGEST = 5


def _read(written: Tensor) -> list[str | None]:
    return [VOCABULARY.decode(ids[: ids.index(EOS)]) if EOS in ids else None for ids in written.tolist()]


def _write(draws: np.ndarray, seed: int, kept: Tensor | None) -> Tensor:
    """The toy's texts that begin with what is kept."""
    kept = torch.full((len(draws), LONGEST + 1), -1) if kept is None else kept
    ids = np.append(VOCABULARY.encode("CO="), EOS)
    edges = np.cumsum([*CHANCE.values(), 1 - sum(CHANCE.values())])
    free = ids[np.searchsorted(edges, seeds.uniforms(seed, draws, LONGEST + 1), side="right").clip(max=3)]
    written = np.where(kept >= 0, kept, free)
    ended = np.cumsum(written == EOS, axis=1) - (written == EOS) > 0
    return torch.from_numpy(np.where(ended, PAD, written))


def _enumerated() -> dict[str, float]:
    """Every text of the toy that is a molecule, with its probability."""
    last = 1 - sum(CHANCE.values())
    texts = ["".join(t) for n in range(LONGEST + 1) for t in itertools.product("CO=", repeat=n)]
    return {t: float(np.prod([CHANCE[c] for c in t]) * last) for t in texts if molecule(t) is not None}


def test_the_walk_ends_in_model_times_wish() -> None:
    count, guidance, deviation = 4000, 0.7, 20.0
    draws, wish = np.arange(count), np.where(np.arange(count) % 2, 60.0, np.nan)  # every second one asks for nothing
    how = SmilesDrawing(moves=40, guidance=guidance)

    def write(seed: int, kept: Tensor | None) -> Tensor:
        assert kept is None or (kept[:, -1] < 0).all()  # something is always left to write
        return _write(draws, seed, kept)

    texts = np.array(_read(walk(write, _read, how, 7, draws, {"MW": wish}, {"MW": deviation})))
    exact = _enumerated()
    mass = {text: DESCRIPTORS["MW"](Chem.MolFromSmiles(text)) for text in exact}
    tilted = {t: p * np.exp(-guidance * ((mass[t] - 60) / (deviation / 2)) ** 2 / 2) for t, p in exact.items()}
    for rows, expected in ((np.isfinite(wish), tilted), (np.isnan(wish), exact)):
        total, found = sum(expected.values()), texts[rows]
        assert set(found) <= set(expected)  # all are molecules
        for text, share in expected.items():
            error = 4 * (share / total / len(found)) ** 0.5 + 0.002
            assert np.mean(found == text) == pytest.approx(share / total, abs=error), text
    assert max(abs(tilted[t] / sum(tilted.values()) - p / sum(exact.values())) for t, p in exact.items()) > 0.1


def test_draws_of_a_trained_model_come_nearer() -> None:
    model = load_model("smiles-moses")
    plain = SmilesDrawing(condition={"logP": 4.0, "QED": 0.85})
    moved = plain.model_copy(update={"moves": 6})

    def far(how: SmilesDrawing) -> float:
        mols = [Chem.MolFromSmiles(s) for s in model.sample(24, seed=3, drawing=how).smiles if s is not None]
        return float(np.mean([abs(DESCRIPTORS["logP"](m) - 4) + 5 * abs(DESCRIPTORS["QED"](m) - 0.85) for m in mols]))

    assert far(moved) < 0.75 * far(plain)
    ends = model.sample(24, seed=3, drawing=moved).smiles
    assert len(set(ends)) >= 23
    assert None not in ends  # what is no molecule moves to one
    assert model.sample(8, seed=3, first=8, drawing=moved).smiles == ends[8:16]  # each has a chain of its own
    without = moved.model_copy(update={"condition": {}})
    assert model.sample(4, seed=3, drawing=without).smiles == model.sample(4, seed=3).smiles  # nothing to walk to


@pytest.mark.parametrize("other", [{"scaffold": "c1ccccc1"}, {"link": "[*]C.[*]C"}, {"beam": True}])
def test_what_cannot_walk_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="moves: a walk of free draws"):
        SmilesDrawing(moves=3, condition={"logP": 2.0}, **other)
