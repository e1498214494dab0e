"""The family's page says what the code does."""

import re
from pathlib import Path

import yaml

from molgen.generators.graph_vae.settings import GraphVAEConfig, GraphVAEDrawing

PAGE = (Path(__file__).parents[3] / "docs" / "graph-vae.md").read_text()


def test_settings_of_the_model_are_those_of_the_code() -> None:
    found = {key: yaml.safe_load(text.strip("`")) for key, text in re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.M)}
    assert found == GraphVAEConfig().values()


def test_options_of_a_draw_are_those_of_the_code() -> None:
    found = re.findall(r"^\| `--(?:set )?(\w+)` \|(.*?)\|", PAGE, re.M)
    assert {key: yaml.safe_load(text.strip(" `")) for key, text in found} == GraphVAEDrawing().values()


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    assert [target for target in targets if not (Path(__file__).parents[3] / "docs" / target).exists()] == []
