"""Linking: what is proposed, and that the choice among it follows the likelihood."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from rdkit import Chem
from scripted import Scripted

from molgen.generators.linking import PROPOSALS, _whole, linked
from molgen.generators.prompts import SPELLINGS, Prompted
from molgen.represent.tokens import tokenize

BENZENE, PIPERIDINE = "*c1ccccc1", "*N1CCCCC1"


def _wish(link: str) -> Prompted:
    return Prompted.parse({"link": link})


@pytest.mark.parametrize(
    ("text", "beginnings"),
    [
        ("CCO", ["C", "CC", "CCO"]),
        ("C(=O)N", ["C", "C(=O)", "C(=O)N"]),
        ("-c1ccc(C)cc1C", ["-c", "-c1ccc(C)cc1", "-c1ccc(C)cc1C"]),
        ("N1CCN(CC1)C", ["N", "N1CCN(CC1)", "N1CCN(CC1)C"]),
        ("C%10CC%10=O", ["C", "C%10CC%10", "C%10CC%10=O"]),
        ("[C@@H](F)C)C", ["[C@@H]", "[C@@H](F)", "[C@@H](F)C"]),
        ("=", []),
    ],
)
def test_linkers_are_the_beginnings_that_leave_nothing_open(text: str, beginnings: list[str]) -> None:
    assert list(_whole(text)) == beginnings


def test_both_parts_are_joined_by_what_was_written() -> None:
    samples = linked(Scripted(["CO"]), np.arange(60), 0, _wish(f"{BENZENE}.{PIPERIDINE}"))
    # either part comes first, and either one or both of the atoms are the linker
    expected = ["c1ccccc1CN1CCCCC1", "c1ccccc1CON1CCCCC1", "c1ccccc1OCN1CCCCC1"]
    assert set(samples.smiles) == {Chem.CanonSmiles(s) for s in expected}
    assert samples.reasons == [None] * 60


def test_a_linker_is_drawn_in_proportion_to_what_the_model_makes_of_the_rest() -> None:
    def nats(text: str, given: int) -> float:
        """Three times as likely behind three carbons than behind one, nothing behind two."""
        assert "".join(tokenize(text)[:given]).count("C") in (1, 2, 3)
        return {1: 0.0, 2: -math.inf, 3: math.log(3)}["".join(tokenize(text)[:given]).count("C")]

    n = 600
    samples = linked(Scripted(["CCC"], nats), np.arange(n), 0, _wish("*c1ccccc1.*c1ccncc1"))
    counts = Counter(samples.smiles)
    short, long = (Chem.CanonSmiles(f"c1ccccc1{linker}c1ccncc1") for linker in ("C", "CCC"))
    assert set(counts) == {short, long}
    assert counts[long] / n == pytest.approx(3 / 4, abs=4 * math.sqrt(3 / 16 / n))


def test_a_linker_counts_as_often_as_it_was_proposed() -> None:
    n = 600
    samples = linked(Scripted(["C", "O", "O", "O"]), np.arange(n), 0, _wish("*c1ccccc1.*c1ccncc1"))
    share = sum("O" in (s or "") for s in samples.smiles) / n
    assert share == pytest.approx(3 / 4, abs=4 * math.sqrt(3 / 16 / n))


@pytest.mark.parametrize("rests", [[None], ["("], ["=O"], ["F"]])
def test_without_a_linker_a_draw_is_null(rests: list[str | None]) -> None:
    writer = Scripted(rests)
    samples = linked(writer, np.arange(5), 0, _wish(f"{BENZENE}.{PIPERIDINE}"))
    assert samples.smiles == [None] * 5
    assert samples.reasons == ["no linker found"] * 5
    assert len(writer.prompts[0]) == 5 * PROPOSALS


def test_a_candidate_that_is_no_molecule_is_passed_over() -> None:
    def nats(text: str, given: int) -> float:
        return 10.0 if "F" in text else 0.0  # fluorine is the likeliest linker, and has no place for a second part

    samples = linked(Scripted(["CF"], nats), np.arange(20), 0, _wish(f"{BENZENE}.{PIPERIDINE}"))
    assert set(samples.smiles) == {Chem.CanonSmiles("c1ccccc1CN1CCCCC1")}


def test_stereo_of_both_parts_is_kept() -> None:
    samples = linked(Scripted(["C"]), np.arange(30), 0, _wish("*[C@H](C)N.*[C@@H](F)O"))
    assert (
        set(samples.smiles)
        == {Chem.CanonSmiles("N[C@@H](C)C[C@@H](F)O")}
        == {Chem.CanonSmiles("C([C@H](C)N)[C@@H](F)O")}
    )


def test_spellings_that_the_model_does_not_know_are_not_used() -> None:
    writer = Scripted(["C"])
    writer.unknown = {"[C@H]"}  # other spellings of the same centre hold [C@@H]
    samples = linked(writer, np.arange(30), 0, _wish("*[C@H](C)N.*c1ccccc1"))
    assert set(samples.smiles) == {Chem.CanonSmiles("N[C@@H](C)Cc1ccccc1")}
    assert not any("[C@H]" in prompt for prompts in writer.prompts for prompt in prompts)


def test_a_draw_that_finds_no_spelling_is_null_and_the_others_go_on() -> None:
    writer = Scripted(["C"])
    accept = iter([True] * 2 + [False] * SPELLINGS + [True] * 100)  # the two parts, the first draw, the others
    writer.refusal = lambda text: None if next(accept) else "not this one"  # type: ignore[method-assign]
    samples = linked(writer, np.arange(4), 0, _wish(f"{BENZENE}.{PIPERIDINE}"))
    assert samples.reasons == ["part that the model cannot spell", None, None, None]
    assert [smiles is None for smiles in samples.smiles] == [True, False, False, False]
