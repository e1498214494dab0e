"""The candidates as files for other programs: SDF with every value, and CSV that no spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor

from molgen.core.artifacts import whole_file
from molgen.report.candidates import Candidate, Candidates

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
Value = float | str | None


def fields(candidate: Candidate) -> dict[str, Value]:
    """Everything known of a candidate, flat, in the order of the CSV's columns."""
    values = dict(candidate.values)
    found: dict[str, Value] = {"rank": values.pop("rank"), "smiles": candidate.smiles, "score": values.pop("score")}
    found |= {"inchikey": candidate.inchikey, "scaffold": candidate.scaffold, "alerts": "; ".join(candidate.alerts)}
    found |= values
    found |= {f"{c.name}.desirability": c.desirability for c in candidate.components}
    found["nearest_training_smiles"] = candidate.nearest.smiles if candidate.nearest else None
    return found


def write_csv(path: Path, candidates: Candidates) -> None:
    """A UTF-8 CSV file with a header, one row a candidate; an empty cell where there is no value."""
    rows = [fields(c) for c in candidates.rows]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["rank", "smiles", "score"]
    with whole_file(path) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([harmless(name) for name in names])
        for row in rows:
            writer.writerow([harmless(row.get(name)) for name in names])


def write_sdf(path: Path, candidates: Candidates) -> None:
    """An SDF (V2000) file with 2D coordinates; each value is a data item under its column's name."""
    text = StringIO()  # RDKit's own file writer would not notice a full disk
    with Chem.SDWriter(text) as writer:
        for candidate in candidates.rows:
            mol = Chem.Mol(candidate.mol)
            rdDepictor.Compute2DCoords(mol)
            mol.SetProp("_Name", f"candidate-{_text(candidate.values['rank'])}")
            for name, value in fields(candidate).items():
                if value is not None and value != "":
                    mol.SetProp(_one_line(name), _one_line(_text(value)))
            writer.write(mol)
    with whole_file(path) as aside:
        aside.write_text(text.getvalue(), encoding="utf-8")


def harmless(value: Value) -> str:
    """A cell's text; an apostrophe before a text that a spreadsheet would take for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(FORMULA_STARTS) else value
    return _text(value)


def _text(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _one_line(text: str) -> str:
    """Line breaks and `>` would end a data item or begin another one."""
    return " ".join(text.replace(">", " ").split())
