"""Candidates as files for other programs: SDF, CSV, SMILES and XLSX with drawings. No spreadsheet runs a cell."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from molgen.chem.parse import parse
from molgen.core.artifacts import whole_file
from molgen.report.sheet import DESIRABILITY, Sheet

FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four: of full width
MOST_DRAWN = 2_000  # rows of an XLSX file with drawings: more would be a file that no spreadsheet opens quickly
DRAWING = (220, 160)  # pixels
Value = float | str | None
Row = Mapping[str, Value]


def rows_of(sheet: Sheet, places: Sequence[int] | None = None, columns: Sequence[str] | None = None) -> list[Row]:
    """Everything known of some candidates (all of them by default), flat, in the order of the CSV's columns.

    With `columns`, the SMILES and these alone.
    """
    table = sheet.table if places is None else sheet.table.take(pa.array(places, pa.int64()))
    return [_fields(sheet, row, columns) for row in table.to_pylist()]


def _fields(sheet: Sheet, row: Mapping[str, Any], columns: Sequence[str] | None) -> Row:
    known = [c.key for c in sheet.columns]
    if columns is not None:
        return {"smiles": row["smiles"]} | {k: row[k] for k in columns if k in known}
    found: dict[str, Value] = {"rank": row["rank"], "smiles": row["smiles"], "score": row["score"]}
    found |= {"inchikey": row["inchikey"], "scaffold": row["scaffold"], "alerts": "; ".join(row["alerts"])}
    found |= {k: row[k] for k in known if k not in {"rank", "score"}}
    found |= {n + DESIRABILITY: row[n + DESIRABILITY] for n in sheet.components}
    found["nearest_training_smiles"] = row["nearest"]
    return found


def write_csv(path: Path, sheet: Sheet) -> None:
    """All candidates as a UTF-8 CSV file with a header."""
    with whole_file(path) as aside:
        aside.write_text(csv_text(rows_of(sheet)), encoding="utf-8", newline="")


def write_sdf(path: Path, sheet: Sheet) -> None:
    """All candidates as an SDF file."""
    text = sdf_text(rows_of(sheet))  # RDKit's own file writer would not notice a full disk
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def csv_text(rows: Sequence[Row]) -> str:
    """CSV with a header, one row a candidate; an empty cell where there is no value."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["rank", "smiles", "score"]
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([harmless(name) for name in names])
    for row in rows:
        writer.writerow([harmless(row.get(name)) for name in names])
    return text.getvalue()


def sdf_text(rows: Sequence[Row]) -> str:
    """SDF (V2000) with 2D coordinates; each value is a data item under its column's name."""
    text = StringIO()
    with Chem.SDWriter(text) as writer:
        for place, row in enumerate(rows, 1):
            mol = _laid(parse(str(row["smiles"])))
            mol.SetProp("_Name", f"candidate-{_text(row.get('rank', place))}")
            for name, value in row.items():
                if value is not None and value != "":
                    mol.SetProp(_one_line(name), _one_line(_text(value)))
            writer.write(mol)
    return text.getvalue()


def molblock(mol: Chem.Mol) -> str:
    """A molecule with 2D coordinates as a mol block (V2000) without a name."""
    return str(Chem.MolToMolBlock(_laid(mol)))


def _laid(mol: Chem.Mol) -> Chem.Mol:
    mol = Chem.Mol(mol)
    rdDepictor.Compute2DCoords(mol)
    return mol


def smiles_text(rows: Sequence[Row]) -> str:
    """A .smi file: SMILES and name."""
    return "".join(f"{row['smiles']} candidate-{_text(row.get('rank', i))}\n" for i, row in enumerate(rows, 1))


def xlsx_bytes(rows: Sequence[Row]) -> bytes:
    """An XLSX workbook with a drawing before each row. Texts are cells of text: formulas and links are not made."""
    from xlsxwriter import Workbook

    names = list(dict.fromkeys(name for row in rows for name in row))
    content = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with Workbook(content, {**options, "nan_inf_to_errors": True}) as book:
        page = book.add_worksheet("candidates")
        page.freeze_panes(1, 1)
        page.set_column_pixels(0, 0, DRAWING[0] + 6)
        page.write_row(0, 0, ["structure", *names], book.add_format({"bold": True}))
        for place, row in enumerate(rows, 1):
            page.set_row_pixels(place, DRAWING[1] + 6)
            picture = BytesIO(_png(str(row["smiles"])))
            page.insert_image(place, 0, "structure.png", {"image_data": picture, "x_offset": 3, "y_offset": 3})
            for column, name in enumerate(names, 1):
                _write(page, place, column, row.get(name))
    return content.getvalue()


def _write(page: Any, place: int, column: int, value: Value) -> None:
    if isinstance(value, str):
        page.write_string(place, column, harmless(value)[:32_767])
    elif value is not None and value == value:
        page.write_number(place, column, value)


def _png(smiles: str) -> bytes:
    canvas = rdMolDraw2D.MolDraw2DCairo(*DRAWING)
    rdMolDraw2D.PrepareAndDrawMolecule(canvas, parse(smiles))
    canvas.FinishDrawing()
    data: bytes = canvas.GetDrawingText()
    return data


def harmless(value: Value) -> str:
    """A cell's text; an apostrophe before a text that a spreadsheet would take for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(FORMULA_STARTS) else value
    return _text(value)


def _text(value: Value) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _one_line(text: str) -> str:
    """Line breaks and `>` would end a data item or begin another one."""
    return " ".join(text.replace(">", " ").split())
