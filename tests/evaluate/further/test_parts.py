"""Coverage, rings, strain and accessibility by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from molgen.evaluate.further.parts import METRICS, coverage_of, missed
from molgen.evaluate.metrics import NotMeasuredError, NotNamedError

from .made import context

TRAIN = ["CCO", "c1ccccc1O", "Cc1ccccc1", "c1ccc2[nH]ccc2c1"]


def test_coverage_weighs_parts_by_their_occurrences():
    data = Counter({"a": 6, "b": 3, "c": 1})
    found = coverage_of(data, [["a"], ["a", "c", "x"], []])
    assert found.value == 7 / 10
    assert coverage_of(data, [[]]).value == 0


def test_the_interval_of_coverage_is_the_jackknife():
    data = Counter({"a": 6, "b": 3, "c": 1})
    drawn = [["a"]] * 10 + [["b"], ["c"]] + [[]] * 18
    whole = coverage_of(data, drawn)
    without = np.array([coverage_of(data, drawn[:i] + drawn[i + 1 :]).value for i in range(30)])
    error = math.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
    assert whole.value == 1
    assert whole.bounds[0] == pytest.approx(1 - 1.959964 * error, rel=0.03)


def test_coverage_of_molecules_by_hand():
    # the test split: biphenyl twice, quinoline once; of ring systems phenyl in two molecules, quinoline in one
    test = ["c1ccc(-c2ccccc2)cc1", "Cc1ccc(-c2ccccc2)cc1", "c1ccc2ncccc2c1"]
    found = context(["c1ccc2ncccc2c1", "CCO"], test, TRAIN)
    assert METRICS["ScafCoverage/Test"](found).value == pytest.approx(1 / 3)
    assert METRICS["RingCoverage/Test"](found).value == pytest.approx(1 / 3)
    assert METRICS["GroupCoverage/Test"](found).value == 1  # an aromatic nitrogen
    assert missed(found)["ring system"] == {"distinct": 2, "drawn": 1, "missed": {"c1ccccc1": 2}}
    with pytest.raises(NotNamedError, match="test_scaffolds"):
        METRICS["ScafCoverage/TestSF"](found)
    with pytest.raises(NotMeasuredError, match="no molecule of 'test' has a functional group"):
        METRICS["GroupCoverage/Test"](context(["CCO"], ["CCC"], TRAIN))


def test_rings_against_the_training_set_by_hand():
    # benzene stands in two training molecules, indole in one; pyridine in none: 3 ring systems in all
    found = context(["Cc1ccccc1", "CCCO", "c1ccncc1", "c1ccncc1"], ["CCC"], TRAIN)
    assert METRICS["RingNovelty"](found).value == 1 / 2
    assert METRICS["UnusualRings"](found).value == 1 / 2
    assert METRICS["RingRarity"](found).value == pytest.approx((math.log10(4 / 3) + 0 + 2 * math.log10(4 / 1)) / 4)
    with pytest.raises(NotMeasuredError, match="no 'train' split"):
        METRICS["RingNovelty"](context(["CCO"], ["CCC"], []))


def test_rarity_is_that_of_the_score(tmp_path):
    from molgen.chem.parse import parse
    from molgen.scoring.ring_rarity import RingRarity, RingRaritySettings

    file = tmp_path / "train.smi"
    file.write_text("\n".join(TRAIN) + "\n")
    drawn = ["Cc1ccccc1", "CCCO", "c1ccncc1", "c1ccc2[nH]ccc2c1"]
    scorer = RingRarity(RingRaritySettings(name="r", type="ring_rarity", reference_file=str(file)))
    expected = scorer.score([parse(s) for s in drawn]).mean()
    assert METRICS["RingRarity"](context(drawn, ["CCC"], TRAIN)).value == pytest.approx(expected)


def test_strain_and_accessibility():
    found = context(["C1=CC1", "CCO", "CCO", "C1CC1"], ["CCC"], TRAIN)
    assert METRICS["Strained"](found).value == 1 / 4
    assert METRICS["SAHard"](found).value == 0
    values = found.subject.structures.number("SA")[found.subject.row]
    assert METRICS["SAMean"](found).value == pytest.approx(values.mean())
