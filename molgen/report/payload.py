"""What the page's scripts work on: the sheet as JSON, pictures of molecules, and what is known of one of them."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core import tables
from molgen.report.drawings import beside, drawing, scaffold_template
from molgen.report.exports import molblock
from molgen.report.neighbours import changed_atoms, common_atoms
from molgen.report.run import Run
from molgen.report.sheet import DESIRABILITY, Sheet

CARD = ("MW", "logP", "TPSA", "QED", "SA", "similarity")  # under each drawing, until the user chooses
SLIDERS = ("score", "MW", "logP", "TPSA", "QED", "SA", "HBD", "rotatable_bonds", "similarity")
WITHOUT_SLIDER = {"rank", "index"}
REFERENCE_VALUES = 400  # quantiles of the training set that a histogram is drawn from


def payload(run: Run, sheet: Sheet, *, key: str, title: str) -> dict[str, Any]:
    """The table of the page, as columns. `key` names the run in the browser's storage."""
    names = {c.key for c in sheet.columns}
    table = sheet.table
    empty = len(sheet) == 0
    numbers = [c.key for c in sheet.columns if c.kind == "number"] + [n + DESIRABILITY for n in sheet.components]
    values: dict[str, Any] = {n: _numbers(table[n]) for n in numbers}
    values |= {c.key: _coded(table[c.key].to_pylist()) for c in sheet.columns if c.kind == "text"}
    known = predictors(sheet)
    shown = list(dict.fromkeys((*SLIDERS, *sheet.components, *(one["name"] for one in known))))
    levels = _coded([name for names in table["alerts"].to_pylist() for name in names] if not empty else [])
    place = {name: i for i, name in enumerate(levels["levels"])}
    return {
        "key": key,
        "title": title,
        "card": [k for k in CARD if k in names],
        "histograms": [k for k in shown if k in names],
        "sliders": [k for k in dict.fromkeys((*shown, *numbers)) if k in names and k not in WITHOUT_SLIDER],
        "columns": [vars(c) for c in sheet.columns],
        "components": sheet.components,
        "values": values,
        "smiles": table["smiles"].to_pylist(),
        "inchikey": [] if empty else table["inchikey"].to_pylist(),
        "nearest": [] if empty else table["nearest"].to_pylist(),
        "scaffold": _coded([] if empty else table["scaffold"].to_pylist()),
        "group": [] if empty else table["group"].to_pylist(),
        "map_x": [] if empty else table["map_x"].to_pylist(),
        "map_y": [] if empty else table["map_y"].to_pylist(),
        "alerts": {
            "levels": levels["levels"],
            "rows": [] if empty else [[place[n] for n in names] for names in table["alerts"].to_pylist()],
        },
        "alert_atoms": [] if empty else table["alert_atoms"].to_pylist(),
        "predictors": known,
        "reference": reference(run),
        "origin": origins(run),
    }


def report_data(run: Run, sheet: Sheet, *, key: str, title: str) -> dict[str, Any]:
    """The table and everything that a server would be asked for: pictures and known molecules."""
    rows = [sheet.row(i) for i in range(len(sheet))]
    details = [{"near": near_molecules(row), "predicted": row.get("predicted") or []} for row in rows]
    pictures = {s: picture for s in dict.fromkeys(sheet.smiles) if (picture := picture_of(s))}
    # Drawn a second time only where that is another drawing: a scaffold that stands alone is aligned with nothing.
    scaffolds = sheet.table["scaffold"].to_pylist() if len(sheet) else []
    several = {s for s, count in Counter(scaffolds).items() if s and count > 1}
    smiles = sheet.smiles
    aligned = {i: picture_of(smiles[i], scaffold) for i, scaffold in enumerate(scaffolds) if scaffold in several}
    mine = {"pictures": pictures, "aligned": aligned, "details": details, "blocks": packed_blocks(smiles)}
    return payload(run, sheet, key=key, title=title) | mine


def picture_of(smiles: str, scaffold: str = "") -> str | None:
    """The drawing of a molecule, laid on its scaffold if one is given; None for what cannot be read."""
    try:
        return drawing(parse(smiles), scaffold_template(scaffold))
    except BadMolecule:  # a reference from elsewhere; its SMILES is shown without a drawing
        return None


def near_molecules(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The known molecules near one candidate, drawn as it lies, with the atoms in which each differs from the other."""
    mol, found = parse(row["smiles"]), []
    for one in row["near"]:
        try:
            other = parse(one["smiles"])
        except BadMolecule:
            continue
        here, there = changed_atoms(mol, other), changed_atoms(other, mol)
        picture = beside(mol, other, common_atoms(mol, other))
        found.append({**one, "changed_here": here, "changed_there": there, "svg": picture})
    return found


def packed_blocks(smiles: Sequence[str]) -> str:
    """The molecules' mol blocks (2D, V2000), each ending in a line `$$$$`, packed by gzip, as base64."""
    text = "".join(f"{molblock(parse(s))}$$$$\n" for s in smiles)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def matched_atoms(mol: Chem.Mol, query: Chem.Mol) -> list[int]:
    """The atoms of the first match of a query."""
    return list(mol.GetSubstructMatch(query))


def reference(run: Run) -> dict[str, dict[str, Any]]:
    """For each property that the page has a histogram of: quantiles of the training molecules, and where they end."""
    if not run.molecules.is_file():
        return {}
    with tables.opened(run.molecules) as file:
        keys = [k for k in SLIDERS if k in file.schema_arrow.names]
        rows = file.read(columns=["split", *keys])
    train = rows.filter(pc.equal(rows["split"].cast("string"), "train"))
    found = {}
    for key in keys:
        values = train[key].to_numpy().astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            cuts = np.quantile(values, np.linspace(0.0, 1.0, REFERENCE_VALUES))
            found[key] = {"low": cuts[0], "high": cuts[-1], "values": [float(f"{v:.5g}") for v in cuts]}
    return found


def predictors(sheet: Sheet) -> list[dict[str, Any]]:
    """For each predictor its name and, a digit a candidate, whether that is inside (1) its domain."""
    if "predicted" not in sheet.table.schema.names:
        return []
    rows = sheet.table["predicted"].to_pylist()
    return [
        {"name": one["name"], "inside": "".join(str(int(row[place]["inside"])) for row in rows)}
        for place, one in enumerate(rows[0] if rows else ())
    ]


def origins(run: Run) -> dict[str, list[str]]:
    """For each family how its molecules were drawn, from which model, trained how far."""
    return {family: [*_drawing(run, family), *_training(run, family)] for family in run.families}


def _drawing(run: Run, family: str) -> Iterator[str]:
    record = run.provenance.get(f"samples/{family}.parquet")
    if record is None:
        return
    identity = record.get("identity", {})
    settings = identity.get("settings", {})
    chosen = {k: v for k, v in (settings.get("drawing") or {}).items() if v not in (None, False, {}, "")}
    of = f"one of {settings['n']:,} draws" if isinstance(settings.get("n"), int) else "drawn"
    said = ", ".join(f"{k} {v}" for k, v in chosen.items())
    model = (
        ""
        if f"models/{family}" in run.provenance
        else f" of model {str(identity.get('inputs', {}).get('model', '?'))[:12]}"
    )
    yield f"{of}{model}, seed {identity.get('seed')}{f' ({said})' if said else ''}; samples {record.get('key', '?')}"


def _training(run: Run, family: str) -> Iterator[str]:
    record = run.provenance.get(f"models/{family}")
    if record is None:
        return
    settings = record.get("identity", {}).get("settings", {})
    training, curve = settings.get("training") or {}, run.curves.get(family, {}).get("train")
    seen, batch = (int(curve[-1][0]) if curve else None), training.get("batch_size")
    step = f" (step {-(-seen // batch):,})" if seen and isinstance(batch, int) else ""
    far = f" after {seen:,} molecules{step}" if seen else ""
    yield f"model {record.get('key', '?')}{far}, seed {record.get('identity', {}).get('seed')}"


def script_json(values: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _numbers(column: pa.ChunkedArray) -> list[float | None]:
    """Numbers with whole ones as integers, which is half of their JSON; null for what is not finite."""
    found = column.to_pylist()
    return [None if v is None or v != v else int(v) if v == int(v) else round(v, 5) for v in found]


def _coded(texts: Sequence[str | None]) -> dict[str, list[Any]]:
    """Texts as numbers of their levels, -1 for null."""
    levels: dict[str, int] = {}
    codes = [-1 if t is None else levels.setdefault(t, len(levels)) for t in texts]
    return {"levels": list(levels), "codes": codes}
