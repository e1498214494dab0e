"""The documentation: its links lead somewhere, and each verb has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from molgen.cli.main import VERBS

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(page):
    # Code is left out: a SMILES can look like a link.
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", prose)
    missing = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_page_with_an_example_in_the_index(verb):
    page = (ROOT / "docs" / "verbs" / f"{verb}.md").read_text(encoding="utf-8")
    assert f"\nmolgen {verb}" in page
    assert f"({verb}.md)" in (ROOT / "docs" / "verbs" / "README.md").read_text(encoding="utf-8")
