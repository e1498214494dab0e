"""Files that are half good: every good row is used whatever stands around it, and the bad ones are counted."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molgen.core.tables import REJECTS, SCORED, read

GARBAGE = [
    "not a molecule",
    "C1CC",
    "c1cccc1",
    "C(C)(C)(C)(C)C",
    "C" * 20_000,
    "\x01\x02",
    "\ufffd\ufffd",
    "]",
    "%%%",
    "()",
]


@pytest.fixture
def good(chain: Path) -> list[str]:
    """90 molecules."""
    return pq.read_table(chain / "molecules" / "molecules.parquet")["smiles"].to_pylist()[:90]


def _dirty(good: list[str]) -> list[str]:
    """One garbage row in ten, and blank lines."""
    lines: list[str] = []
    for i, smiles in enumerate(good):
        lines += [GARBAGE[i // 9], ""] if i % 9 == 4 else []
        lines.append(smiles)
    return lines


def _write(path: Path, lines: list[str], *, dos: bool) -> None:
    data = ("\r\n" if dos else "\n").join(lines) + ("" if dos else "\n")
    path.write_bytes((b"\xef\xbb\xbf" if dos else b"") + data.encode())


@pytest.mark.parametrize("dos", [False, True], ids=["unix", "BOM and Windows"])
@pytest.mark.parametrize("ending", ["smi", "csv", "tsv"])
def test_prepare(ending, dos, good, place, molgen):
    mark = {"smi": " ", "csv": ",", "tsv": "\t"}[ending]
    lines = [f"{s}{mark}z{i}" if s else "" for i, s in enumerate(_dirty(good))]
    head = [] if ending == "smi" else [f"smiles{mark}id"]
    _write(place / f"in.{ending}", [*head, *lines], dos=dos)
    code, out, messages = molgen(f"prepare in.{ending} --out out --workers 1 --no-properties")
    assert (code, messages) == (0, [])
    assert pq.read_table(place / "out" / "molecules.parquet")["smiles"].to_pylist() == good
    summary = json.loads((place / "out" / "summary.json").read_text())
    assert (summary["rows"], summary["molecules"], summary["blank_lines"]) == (100, 90, 10)
    rejects = read(place / "out" / "rejects.parquet", REJECTS).to_pylist()
    expected = [
        i + len(head)
        for i, line in enumerate(lines, 1)
        if line.split(mark)[0].strip() in GARBAGE or line.startswith("not a")
    ]
    assert [r["line"] for r in rejects] == expected
    assert "90 molecules of 100 rows" in out


@pytest.mark.parametrize("dos", [False, True], ids=["unix", "BOM and Windows"])
def test_score(dos, good, place, molgen):
    _write(place / "in.smi", _dirty(good), dos=dos)
    code, out, messages = molgen("score in.smi --objective run/objective.yaml --out out.parquet")
    assert (code, messages) == (0, [])
    assert "100 rows, 90 scored" in out
    found = read(place / "out.parquet", SCORED)
    assert [
        s for s, failed in zip(found["smiles"].to_pylist(), found["failed"].to_pylist(), strict=True) if not failed
    ] == good


@pytest.mark.parametrize("dos", [False, True], ids=["unix", "BOM and Windows"])
def test_evaluate_counts_what_is_no_molecule_as_a_draw(dos, good, place, molgen):
    _write(place / "in.smi", _dirty(good), dos=dos)
    code, _, messages = molgen("evaluate in.smi --reference run/molecules --out out.json --workers 1")
    assert (code, messages) == (0, [])
    found = json.loads((place / "out.json").read_text())
    assert found["n"] == 110
    assert found["counts"]["valid"] == len(good) == sum(Chem.MolFromSmiles(s) is not None for s in good)
    assert found["counts"]["invalid"]["empty SMILES"] == 10


@pytest.mark.parametrize("dos", [False, True], ids=["unix", "BOM and Windows"])
def test_rank_excludes_what_a_dirty_file_knows(dos, good, place, molgen):
    _write(place / "known.smi", _dirty(good), dos=dos)
    code, _, messages = molgen("rank run/scored/smiles.parquet --top 1000 --exclude known.smi --out out.parquet")
    assert (code, messages) == (0, [])
    ranked = set(pq.read_table(place / "out.parquet")["smiles"].to_pylist())
    everything = set(pq.read_table(place / "run" / "scored" / "smiles.parquet")["smiles"].to_pylist())
    assert ranked == everything - set(good)


@pytest.mark.parametrize("dos", [False, True], ids=["unix", "BOM and Windows"])
def test_settings_files(dos, place, molgen):
    lines = ["# mine", "", "components:", "  - type: QED", "", "filters:", "  MW: {max: 500}"]
    _write(place / "objective.yaml", lines, dos=dos)
    assert molgen("score good.smi --objective objective.yaml --out out.parquet").code == 0
    _write(place / "settings.yaml", ["properties: false", "", "stereo: drop"], dos=dos)
    assert molgen("prepare good.smi --config settings.yaml --out out --workers 1").code == 0
