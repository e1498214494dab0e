"""A command without arguments shows its help, and no message beside it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("line", "shown"), [("", "From a raw molecule file"), ("data", "fetch"), ("models", "show")])
def test_help_alone(line, shown, molgen):
    code, out, messages = molgen(line)
    assert code == 2
    assert shown in out
    assert messages == []
