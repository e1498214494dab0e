"""The documentation says what the code does: verbs, settings and links."""

import re
from pathlib import Path

import pytest
import yaml

from molgen.cli.main import VERBS
from molgen.generators.smiles_settings import SmilesConfig
from molgen.training.settings import AdapterSettings, CalibrationSettings, TrainingSettings

DOCS = Path(__file__).parents[1] / "docs"
ROW = re.compile(r"^\| `(training\.calibration|training|model|adapter)\.(\w+)` \| (.+?) \|", re.MULTILINE)


def test_each_verb_has_a_page():
    pages = {path.stem for path in (DOCS / "verbs").glob("*.md")} - {"README"}
    assert pages == set(VERBS)
    index = (DOCS / "verbs" / "README.md").read_text()
    assert set(re.findall(r"^\| \[`(\w+)`\]", index, re.MULTILINE)) == set(VERBS)


@pytest.mark.parametrize(
    ("section", "settings"),
    [
        ("training", TrainingSettings),
        ("training.calibration", CalibrationSettings),
        ("model", SmilesConfig),
        ("adapter", AdapterSettings),
    ],
)
def test_settings_of_train_are_those_of_the_code(section, settings):
    rows = ROW.findall((DOCS / "verbs" / "train.md").read_text())
    documented = {key: yaml.safe_load(default) for found, key, default in rows if found == section}
    assert documented == {key: value for key, value in settings().values().items() if not isinstance(value, dict)}


@pytest.mark.parametrize("page", sorted((DOCS / "verbs").glob("*.md")), ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([\w./-]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
