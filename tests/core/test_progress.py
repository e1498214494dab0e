"""Progress: what is shown, how often, and only on stderr."""

from __future__ import annotations

import pytest

from molgen.core import progress as module
from molgen.core.progress import Progress, progress


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(clock, capsys):
    with progress("score", 100, "molecules") as bar:
        for _ in range(4):
            clock.now += 5
            bar.advance(10)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "score                30 / 100 molecules  30.0 %  2/s  00:35 left",
        "score                40 / 100 molecules  40.0 %  2/s  00:30 left",
    ]


def test_a_terminal_gets_one_line_that_is_written_over(clock, capsys, monkeypatch):
    bar = Progress("train", None, "molecules")
    bar._terminal = True
    for note in ("loss 2.0", ""):
        clock.now += 1
        bar.advance(1500, note)
    clock.now += 0.01
    bar.advance(1)  # too soon to be worth a look
    bar.finish()
    shown = capsys.readouterr().err
    assert shown.count("\r") == 3
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    assert "3,001 molecules" in shown
    assert shown.rstrip("\n\x1b[K").endswith("loss 2.0")  # a note stays until there is another


def test_rate_leaves_out_what_an_earlier_start_did(clock):
    bar = Progress("train", 1000, "molecules", done=900)
    clock.now += 10
    bar.advance(50)
    assert (bar.done, bar.rate) == (950, 5.0)


def test_the_last_state_is_shown_after_an_error_too(clock, capsys):
    def work() -> None:
        with progress("score", None, "molecules") as bar:
            bar.advance(7)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert "7 molecules" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00"), (59.9, "00:59"), (3599, "59:59"), (36_061, "10:01:01")])
def test_clock(seconds, text):
    assert module._clock(seconds) == text


def test_time_left_from_the_fraction_that_is_done(capsys):
    bar = Progress("screen", None, "molecules", done=500)
    bar._start -= 10
    bar.advance(500, "7 passed", fraction=0.25)
    bar._show("", "\n")
    assert "1,000 molecules  25.0 %  50/s  01:00 left  7 passed" in capsys.readouterr().err
