"""The preference model: its optimum, what it learns, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgen.core.errors import ArtifactError, InputError
from molgen.feedback import FeedbackSettings, feedback, fit, judge
from molgen.review.events import Events, database_of, read_events
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective
from molgen.scoring.preference import Preference, features

SETTINGS = FeedbackSettings()


def log(verdicts: dict[str, str], reviewer: str = "ann", start: int = 0) -> list[dict]:
    return [
        {"id": f"event-{i:05d}", "time": "2026-01-02T03:04:05Z", "reviewer": reviewer, "smiles": s, "kind": "verdict",
         "value": v}
        for i, (s, v) in enumerate(verdicts.items(), start)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def liked_if_amide(zinc_smiles: list[str]) -> dict[str, str]:
    """120 molecules; a chemist who likes amides, whatever else they have."""
    amide = Chem.MolFromSmarts("[NX3;H1][CX3]=O")
    return {s: "like" if Chem.MolFromSmiles(s).HasSubstructMatch(amide) else "reject" for s in zinc_smiles[:120]}


def test_the_weights_are_the_optimum(liked_if_amide: dict[str, str]) -> None:
    """The gradient of the penalised likelihood, written anew in the full space, vanishes there."""
    judged = judge(log(dict(list(liked_if_amide.items())[:20])), SETTINGS, 0)
    model = fit(judged, judged.pairs, l2=0.7)
    known = features(judged.mols, model.mean, model.scale)
    gradient = 0.7 * model.weights
    for a, b in judged.pairs:
        apart = known[a] - known[b]
        gradient -= len(judged.mols) / len(judged.pairs) * apart / (1 + np.exp(apart @ model.weights))
    assert np.abs(gradient).max() < 1e-6


def test_what_a_chemist_likes_is_learnt_and_tested_on_unseen_scaffolds(
    liked_if_amide: dict[str, str], zinc_smiles: list[str], tmp_path: Path
) -> None:
    Events(database_of(tmp_path)).add(read_events({"events": log(liked_if_amide)}, "test"))
    found = feedback(tmp_path, tmp_path / "preference")
    assert found["molecules"] == 120
    assert found["accuracy"] > 0.8
    amide = Chem.MolFromSmarts("[NX3;H1][CX3]=O")
    others = [Chem.MolFromSmiles(s) for s in zinc_smiles[300:500]]
    has = np.array([mol.HasSubstructMatch(amide) for mol in others])
    values = Preference.load(tmp_path / "preference").probability(others)
    assert np.mean(values[has][:, None] > values[~has][None]) > 0.8  # the area under the ROC curve
    assert feedback(tmp_path, tmp_path / "preference") == found
    objective = Objective.parse({"components": [{"type": "preference", "model_file": str(tmp_path / "preference")}]})
    with Evaluator(objective) as evaluator:
        scored = evaluator.evaluate([*others, None])
    assert scored.score[:-1] == pytest.approx(values, abs=1e-9)
    assert np.isnan(scored.score[-1])


def test_verdicts_at_random_are_not_learnt(liked_if_amide: dict[str, str], tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    verdicts = {s: ("like", "reject")[chance.integers(2)] for s in liked_if_amide}
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps({"events": log(verdicts)}))
    assert abs(feedback(file, tmp_path / "preference")["accuracy"] - 0.5) < 0.2


def test_a_strict_reviewer_is_compared_with_herself_only() -> None:
    chain = ["C" * n for n in range(1, 13)]
    strict = log({s: "maybe" if len(s) == 6 else "reject" for s in chain[:6]}, "strict")
    mild = log(dict.fromkeys(chain[6:], "like"), "mild", 100)
    judged = judge(strict + mild, SETTINGS, 0)
    assert judged.reviewers == 2
    assert {(judged.smiles[a], judged.smiles[b]) for a, b in judged.pairs} == {("CCCCCC", s) for s in chain[:5]}


def test_more_pairs_than_wanted_are_a_seeded_choice(liked_if_amide: dict[str, str]) -> None:
    few = FeedbackSettings(pairs=100)
    first, again, other = (judge(log(liked_if_amide), few, seed).pairs for seed in (0, 0, 1))
    assert len(first) == 100
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        ({"CCO": "like", "CCN": "reject"}, "2 molecules have a verdict, at least 10"),
        ({"C" * n: "like" for n in range(1, 13)}, "12 molecules have a verdict, all with the same"),
    ],
)
def test_too_little_is_said(verdicts: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(json.dumps({"events": log(verdicts)}))
    with pytest.raises(InputError, match=message):
        feedback(tmp_path / "d.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no preference model"):
        Preference.load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ArtifactError, match="not a whole preference model"):
        Preference.load(tmp_path)
    Preference(np.zeros(3), np.zeros(14), np.ones(14), 0.0).save(tmp_path)
    with pytest.raises(ArtifactError, match="another version"):
        Preference.load(tmp_path)
