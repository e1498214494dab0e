"""Errors: exit codes, and the guess behind an unknown name."""

from __future__ import annotations

import pytest

from molgen.core import errors
from molgen.core.errors import MolgenError, nearest


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("InputError", 2),
        ("SettingsError", 2),
        ("ArtifactError", 2),
        ("MachineError", 1),
        ("PartialError", 1),
        ("Stopped", 75),
    ],
)
def test_exit_codes(name, code):
    error = getattr(errors, name)("file: what; what to do")
    assert isinstance(error, MolgenError)
    assert error.exit_code == code
    assert str(error) == "file: what; what to do"


def test_nearest_guesses_across_case_and_lists_what_there_is():
    assert nearest("LOGP", ["QED", "logP"]) == " (did you mean 'logP'? known: QED, logP)"
    assert nearest("molecles", ["batch_size", "molecules"]).startswith(" (did you mean 'molecules'?")
    assert nearest("zzz", ["QED"]) == " (known: QED)"
    assert nearest("zzz", []) == " (known: none)"


def test_nearest_of_names_that_differ_in_case_only_is_the_first():
    assert "did you mean 'Chain'?" in nearest("chain", ["Chain", "CHAIN"])
