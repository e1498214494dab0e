"""Libraries and scorers that misbehave: every good row is used, what is not is reported, and the run goes on."""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from pathlib import Path

import pytest

from molgen.core.errors import InputError, PartialError, SettingsError
from molgen.core.tables import REJECTS, read
from molgen.scoring.objective import Objective
from molgen.screening.screen import ScreenSettings, screen

FAST = Objective.parse({"components": [{"type": "fsp3"}]})


def _rejects(out: Path) -> list[dict]:
    return read(out / "rejects.parquet", REJECTS).to_pylist()


def test_garbage_long_lines_and_binary_junk_in_a_gz(tmp_path, zinc_smiles):
    chance = random.Random(1)
    bad = [
        b"garbage",
        b"C" * 50_000,
        chance.randbytes(300).replace(b"\n", b"x"),
        b"\0\0CC",
        "é".encode("latin-1"),
        b"C1CC",
    ]
    good = [smiles.encode() for smiles in zinc_smiles[:594]]
    lines = [line for i, smiles in enumerate(good) for line in ([bad[i // 99], smiles] if i % 99 == 50 else [smiles])]
    (tmp_path / "a.smi.gz").write_bytes(gzip.compress(b"\r\n".join(lines)))
    summary = screen([tmp_path / "a.smi.gz"], FAST, tmp_path / "out", top=3, settings=ScreenSettings(chunk=100))
    assert (summary["read"], summary["valid"], summary["damage"]) == (600, 594, [])
    assert [row["line"] for row in _rejects(tmp_path / "out")] == [i for i, line in enumerate(lines, 1) if line in bad]
    assert "50000 characters" in _rejects(tmp_path / "out")[1]["detail"]


def test_long_lines_do_not_fill_the_memory(tmp_path):
    from molgen.data.library import MAX_CHARACTERS, batches
    from molgen.data.readers import Row

    sizes = [sum(len(row.text) for row in batch) for batch in batches((Row(i, "C" * 50_000) for i in range(500)), 2048)]
    assert max(sizes) < MAX_CHARACTERS + 50_000
    assert sum(sizes) == 500 * 50_000


def test_a_truncated_gz_is_used_as_far_as_it_goes_and_its_end_is_said(tmp_path, zinc_smiles):
    whole = gzip.compress("\n".join(zinc_smiles[:400]).encode())
    cut = tmp_path / "cut.smi.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    message = rf"cut\.smi\.gz: the compressed file ends too early, at byte {len(whole) // 2:,}; the \d+ lines before"
    for _ in range(2):  # also when it is there already
        with pytest.raises(PartialError, match=message):
            screen([cut], FAST, tmp_path / "out", top=3)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert 150 < summary["valid"] < 400
    assert re.search(message, summary["damage"][0])


def test_a_damaged_gz(tmp_path, zinc_smiles):
    whole = gzip.compress("".join(f"{smiles}\n" for smiles in zinc_smiles[:100]).encode())
    (tmp_path / "a.smi.gz").write_bytes(whole + random.Random(0).randbytes(50))
    with pytest.raises(PartialError, match=r"is damaged near byte [\d,]+; the 100 lines before that were used"):
        screen([tmp_path / "a.smi.gz"], FAST, tmp_path / "out", top=3)


PROGRAMS = {
    "crashes": "if '#' in line: sys.exit(3)",
    "hangs": "if '#' in line: time.sleep(60)",
    "answers nan": "if '#' in line: print('nan', flush=True); continue",
    "answers nonsense": "if '#' in line: print('hello', flush=True); continue",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_scorer_that_fails_on_some_molecules(tmp_path, program):
    code = f"import sys, time\nfor line in sys.stdin:\n    {program}\n    print(len(line), flush=True)"
    scorer = {"type": "external", "name": "dock", "command": [sys.executable, "-c", code], "timeout": 2, "batch": 1}
    window = {"type": "linear", "low": 0, "high": 100}
    objective = Objective.parse({"components": [{**scorer, "transform": window}]})
    good = ["CCO", "CCN", "c1ccccc1", "CCCCO"]
    (tmp_path / "a.smi").write_text("\n".join([*good[:2], "CC#N", *good[2:]]))
    summary = screen([tmp_path / "a.smi"], objective, tmp_path / "out", top=9)
    assert read(tmp_path / "out" / "candidates.parquet")["smiles"].to_pylist() == ["c1ccccc1", "CCCCO", "CCN", "CCO"]
    assert (summary["valid"], summary["distinct_passed"], summary["failed"]) == (5, 4, {"dock has no value": 1})
    (row,) = _rejects(tmp_path / "out")
    assert (row["line"], row["reason"], row["detail"]) == (3, "no value", "dock has no value")


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"MW": {"min": 500, "max": 300}}, "filter 'MW': min = 500 is above max = 300; no molecule can pass"),
        (
            {"small": {"type": "rings", "max": 1}, "big": {"type": "rings", "min": 3}},
            "filter 'big': at least 3 and at most 1; no molecule can pass",
        ),
        ({"QED": {"min": 1.2}}, "filter 'QED': at least 1.2, but no value is above 1; no molecule can pass"),
        ({"HBD": {"max": -1}}, "filter 'HBD': at most -1, but no value is below 0; no molecule can pass"),
        (
            {"aromatic_rings": {"min": 3}, "rings": {"max": 2}},
            "filters 'aromatic_rings' and 'rings' exclude each other: at least 3 aromatic_rings and at most 2 rings",
        ),
        (
            {
                "acid": {"type": "substructure", "required": ["C(=O)O"]},
                "no_acid": {"type": "substructure", "forbidden": ["C(=O)O"]},
            },
            "filters 'acid' and 'no_acid' exclude each other: 'C(=O)O' is required and forbidden",
        ),
    ],
)
def test_filters_that_contradict_each_other(filters, message):
    with pytest.raises(SettingsError) as error:
        Objective.parse({"components": [{"type": "fsp3"}], "filters": filters})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_no_molecule_at_all_leaves_nothing(tmp_path):
    (tmp_path / "a.smi").write_text("garbage\nC(C)(C)(C)(C)C\nmore\n")
    with pytest.raises(InputError, match=r"a\.smi: no molecule in 3 rows; 2 of them: SMILES syntax; check the file"):
        screen([tmp_path / "a.smi"], FAST, tmp_path / "out", top=3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.smi"]
