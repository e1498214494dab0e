"""The page in a real browser: filters, sorting, keys, likes and exports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser; get it with `apt-get install chromium`")


def opened(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Chromium's view of a page once its scripts have run."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", *QUIET, f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=5000", "--window-size=1400,1200", *options, "--dump-dom", page.as_uri()]
    environment = {**os.environ, "HOME": str(profile)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)


def test_what_a_chemist_does_works(written, tmp_path):
    text = written.page.read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # it would stop the test's script
    before, _, after = text.rpartition("</script>")
    steps = Path(__file__).with_name("actions.js").read_text()
    (tmp_path / "page.html").write_text(f"{before}\n{steps}</script>{after}")
    shown = opened(tmp_path / "page.html", tmp_path / "profile").stdout
    results = re.search(r'<pre id="results">(.*?)</pre>', shown, re.DOTALL)
    assert results, shown[-2_000:]
    lines = results[1].splitlines()
    assert len(lines) == steps.count("\n  check(")
    assert [line for line in lines if not line.startswith("ok")] == []


def test_the_policy_lets_the_page_work_and_nothing_is_reported(written, tmp_path):
    found = opened(written.page, tmp_path / "profile", "--enable-logging=stderr")
    assert found.stdout.count('class="card"') == 12
    assert "CONSOLE" not in found.stderr
