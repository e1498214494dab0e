"""The errors a user can meet. Each message is one line: what is wrong, where, and what to do.

A bad molecule is never one of these: it is a row in a rejects table, or NaN in a score.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MolgenError(Exception):
    """An error whose message is all that a user needs; the command exits with `exit_code`."""

    exit_code = 2


class InputError(MolgenError):
    """A file, a value or a molecule given on the command line cannot be used."""


class SettingsError(MolgenError):
    """A setting is unknown, of the wrong type or out of range."""


class ArtifactError(MolgenError):
    """An artifact is truncated, of another version, or was made with other settings."""


class MachineError(MolgenError):
    """The machine failed: a full disk, a worker that died."""

    exit_code = 1


class PartialError(MolgenError):
    """The output is whole, but part of the input could not be read."""

    exit_code = 1


class Stopped(MolgenError):  # noqa: N818 (not a failure)
    """Stopped by a signal or a time limit with everything saved; the same command goes on."""

    exit_code = 75


def nearest(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'logP'? known: …)": the tail of a message about an unknown name."""
    names = list(known)
    folded = {n.casefold(): n for n in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    guess = f"did you mean {folded[close[0]]!r}? " if close else ""
    return f" ({guess}known: {', '.join(names) or 'none'})"
