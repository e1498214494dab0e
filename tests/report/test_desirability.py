"""`molgen objective plot`: the curves in the picture are the transforms, and the dots are the ten drugs."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from molgen.core.errors import ArtifactError, InputError
from molgen.report.desirability import plot
from molgen.scoring.drugs import DRUGS
from molgen.scoring.objective import Objective

SVG = "{http://www.w3.org/2000/svg}"
LOGP = {"type": "logP", "transform": {"type": "step", "min": 1, "max": 3}}


def drawn(objective: Objective, out: Path) -> ET.Element:
    plot(objective, out)
    return ET.parse(out).getroot()


def test_curve_and_dots_are_where_they_belong(tmp_path: Path) -> None:
    root = drawn(Objective.parse({"components": [LOGP]}), tmp_path / "o.svg")
    (curve,) = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "line"]
    points = np.array(re.findall(r"([\d.]+) ([\d.]+)", curve), float)
    top, bottom, left, right = points[:, 1].min(), points[:, 1].max(), points[:, 0].min(), points[:, 0].max()
    value = -2.0 + (points[:, 0] - left) / (right - left) * 8.5  # logP is shown from -2 to 6.5
    inside, outside = (value > 1.05) & (value < 2.95), (value < 0.95) | (value > 3.05)
    assert (points[inside, 1] == top).all()
    assert (points[outside, 1] == bottom).all()
    dots = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter(f"{SVG}circle")]
    values = [Crippen.MolLogP(Chem.MolFromSmiles(smiles)) for smiles in DRUGS.values()]
    assert [x for x, _ in dots] == pytest.approx([left + (v + 2) / 8.5 * (right - left) for v in values], abs=0.1)
    assert [y for _, y in dots] == pytest.approx([top if 1 <= v <= 3 else bottom for v in values], abs=0.1)


def test_a_panel_a_component_with_names_escaped(tmp_path: Path) -> None:
    names = ["a <b> & c", "two", "three", "four"]
    root = drawn(Objective.parse({"components": [{**LOGP, "name": name} for name in names]}), tmp_path / "o.svg")
    titles = [text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "name"]
    assert [title.split(" (weight")[0] for title in titles[1:]] == names
    assert int(root.get("height", 0)) > int(root.get("width", 0)) / 3


def test_services_are_not_called_for_a_picture(tmp_path: Path) -> None:
    dock = {"type": "http", "url": "http://127.0.0.1:9/x", "transform": {"type": "sigmoid", "low": -9, "high": -5}}
    root = drawn(Objective.parse({"components": [dock]}), tmp_path / "o.svg")
    assert not list(root.iter(f"{SVG}circle"))
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "line"]) == 1


def test_same_again_and_refused(tmp_path: Path) -> None:
    objective, out = Objective.parse({"components": [LOGP]}), tmp_path / "o.svg"
    plot(objective, out)
    before = out.stat().st_mtime_ns
    plot(objective, out)
    assert out.stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match=r"o\.svg: exists with other settings"):
        plot(Objective.parse({"components": [{"type": "QED"}]}), out)
    with pytest.raises(InputError, match=r"o\.png: --out must end in \.svg"):
        plot(objective, tmp_path / "o.png")
