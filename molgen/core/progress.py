"""Progress of long work on stderr: done, rate and time left. A bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

TERMINAL_SECONDS, LOG_SECONDS = 0.1, 15.0


class Progress:
    """Counts work; `total=None` where it is not known. Rates ignore what was done before this start."""

    def __init__(self, label: str, total: int | None, unit: str, *, done: int = 0) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = self._done_at_start = done
        self._note, self._fraction = "", 0.0
        self._start = self._last = time.monotonic()
        self._terminal = sys.stderr.isatty()

    @property
    def rate(self) -> float:
        """Units per second since this start."""
        return (self.done - self._done_at_start) / max(time.monotonic() - self._start, 1e-9)

    def advance(self, count: int, note: str = "", fraction: float = 0.0) -> None:
        """Adds finished work; `note` is shown behind it (a loss, say). `fraction` of all work is done, if that is known
        where the total is not."""
        self.done += count
        self._fraction = fraction
        self._note = note or self._note
        now = time.monotonic()
        if now - self._last >= (TERMINAL_SECONDS if self._terminal else LOG_SECONDS):
            self._last = now
            self._show("\r" if self._terminal else "", "" if self._terminal else "\n")

    def finish(self) -> None:
        """Shows the last state and ends the line."""
        self._show("\r" if self._terminal else "", "\n")

    def _show(self, before: str, after: str) -> None:
        rate, parts = self.rate, [f"{self.label:<10}"]
        total = self.total or (self.done / self._fraction if self._fraction else 0)
        if self.total:
            parts.append(f"{self.done:>11,} / {self.total:,} {self.unit} {100 * self.done / self.total:5.1f} %")
        elif total:
            parts.append(f"{self.done:>11,} {self.unit} {100 * self._fraction:5.1f} %")
        else:
            parts.append(f"{self.done:>11,} {self.unit}")
        parts.append(f"{rate:,.0f}/s")
        if total and rate > 0 and self.done < total:
            parts.append(f"{_clock((total - self.done) / rate)} left")
        else:
            parts.append(f"in {_clock(time.monotonic() - self._start)}")
        line = "  ".join([*parts, self._note]).rstrip()
        clear = "\x1b[K" if self._terminal else ""
        print(f"{before}{line}{clear}", end=after, file=sys.stderr, flush=True)


@contextmanager
def progress(label: str, total: int | None, unit: str, *, done: int = 0) -> Iterator[Progress]:
    """`with progress("prepare", None, "molecules") as bar: bar.advance(1000)`."""
    bar = Progress(label, total, unit, done=done)
    try:
        yield bar
    finally:
        bar.finish()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
