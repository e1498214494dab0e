"""What likelihoods tell, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from molgen.core.errors import InputError
from molgen.evaluate.further.likelihoods import Likely, figures, of_corpus


def likely(log_prob: list[float], tokens: list[float] | None = None) -> Likely:
    return Likely(np.array(log_prob), np.array(tokens or [2.0] * len(log_prob)))


def test_figures_by_hand():
    found = figures({"train": likely([-1, -2, -3]), "test": likely([-2, -4, -np.inf], [1, 3, 9])}, False)
    values = {name: figure.value for name, figure in found.figures.items()}
    assert values["Nats/Train"] == 2
    assert values["Perplexity/Train"] == pytest.approx(np.exp(6 / 6))
    assert values["Nats/Test"] == 3
    assert values["Perplexity/Test"] == pytest.approx(np.exp(6 / 4))
    assert values["MembershipAUC"] == pytest.approx((3 + 2.5 + 2) / 9)
    assert found.notes["Perplexity/Test"] == "without 1 of 3 molecules, which the model cannot write"
    assert "test_scaffolds" in found.notes["Nats/TestSF"]
    assert "OutlierAUC" not in values


def test_outliers_in_total_and_by_token():
    found = figures({"test": likely([-4.0, -4.0], [2, 2]), "other": likely([-6.0, -6.0], [6, 6])}, True)
    assert found.figures["OutlierAUC"].value == 1
    assert found.figures["OutlierAUC/token"].value == 0
    assert "no 'train' split" in found.notes["MembershipAUC"]


def test_a_model_that_can_write_nothing_has_no_perplexity():
    found = figures({"test": likely([-np.inf])}, False)
    assert found.figures["Perplexity/Test"] is None
    assert "none of these" in found.notes["Perplexity/Test"]


def test_the_interval_of_a_perplexity_has_the_right_width():
    generator, seen = np.random.default_rng(0), []
    for _ in range(150):
        tokens = generator.integers(20, 50, 100).astype(float)
        found = figures(
            {"test": likely((-0.6 * tokens + generator.normal(0, 5, 100)).tolist(), tokens.tolist())}, False
        )
        low, high = found.figures["Perplexity/Test"].bounds
        seen.append((found.figures["Perplexity/Test"].value, (high - low) / 2 / 1.96))
    values, errors = np.array(seen).T
    assert 0.85 < errors.mean() / values.std() < 1.2


def test_another_corpus_is_drawn_with_the_seed(tmp_path):
    (tmp_path / "o.smi").write_text("\n".join("C" * n for n in range(1, 30)) + "\n")
    found = of_corpus(tmp_path / "o.smi", 5, seed=1)
    assert len(found) == len(set(found)) == 5
    assert found == of_corpus(tmp_path / "o.smi", 5, seed=1) != of_corpus(tmp_path / "o.smi", 5, seed=2)
    (tmp_path / "e.smi").write_text("")
    with pytest.raises(InputError, match="no molecules in it"):
        of_corpus(tmp_path / "e.smi", 5, seed=1)
