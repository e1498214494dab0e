"""The family's page says what the code does."""

import re
from pathlib import Path

import yaml

from molgen.generators.diffusion.settings import DiffusionConfig, DiffusionDrawing, GuideConfig

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "graph-diffusion.md").read_text()


def test_settings_of_the_model_are_those_of_the_code() -> None:
    found = {key: yaml.safe_load(text.strip("`")) for key, text in re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M)}
    assert found == DiffusionConfig().values()


def test_settings_of_the_guide_are_those_of_the_code() -> None:
    page = (DOCS / "verbs" / "guide.md").read_text()
    found = {key: yaml.safe_load(text) for key, text in re.findall(r"^\| `model\.(\w+)` \| (.+?) \|", page, re.M)}
    assert found == GuideConfig().values()


def test_options_of_a_draw_are_those_of_the_code() -> None:
    found = dict(re.findall(r"^\| `--(?:set )?(\w+)` \|(.*?)\|", PAGE, re.M))
    known = DiffusionDrawing().values()
    assert set(found) == set(known)
    assert {key: yaml.safe_load(text.strip(" `")) for key, text in found.items() if text.strip()} == {
        key: value for key, value in known.items() if value
    } | {"eta": 0.0, "omega": 0.0, "moves": 0}
