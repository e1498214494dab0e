"""A prepared folder made of molecules written here."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from molgen.chem.descriptors import properties
from molgen.chem.parse import canonical, parse
from molgen.core import tables

TRAIN = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CCN(CC)CC", "O=C(O)c1ccccc1", "c1ccc2[nH]ccc2c1"]
TEST = ["CCCO", "c1ccc(-c2ccccc2)cc1", "CC(=O)Oc1ccccc1C(=O)O", "c1ccc2ncccc2c1"]
TEST_SCAFFOLDS = ["c1ccc2sccc2c1", "O=C1CCc2ccccc2N1"]
DRAWN = ["CCO", "OCC", "c1ccccc1", "c1ccc(-c2ccncc2)cc1", "C1CC", "C.C", "CN(C)(C)C", "c1ccc2ncccc2c1"]


def write_molecules(folder: Path, splits: dict[str, list[str]], *, with_properties: bool = True) -> Path:
    """A folder such as `molgen prepare` makes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(canonical(s), split) for split, smiles in splits.items() for s in smiles]
    values: dict[str, list] = {
        "smiles": [s for s, _ in rows],
        "name": [None] * len(rows),
        "file": ["made.smi"] * len(rows),
        "line": list(range(1, len(rows) + 1)),
        "split": [split for _, split in rows],
    }
    extra = dict.fromkeys(tables.PROPERTIES, pa.float32()) if with_properties else {}
    if with_properties:
        found = [properties(parse(s)) for s, _ in rows]
        values |= {name: [row[i] for row in found] for i, name in enumerate(tables.PROPERTIES)}
    schema = tables.MOLECULES.schema(extra)
    data = pa.table({f.name: pa.array(values[f.name]).cast(_plain(f.type)) for f in schema}).cast(schema)
    tables.write(folder / "molecules.parquet", data, tables.MOLECULES)
    return folder


def _plain(dtype: pa.DataType) -> pa.DataType:
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype
