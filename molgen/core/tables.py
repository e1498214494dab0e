"""The tables that pass between stages: Parquet files with a documented schema, checked when read and written.

`docs/tables.md` is printed from here (`python -m molgen.core.tables`), and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molgen.core.artifacts import whole_file
from molgen.core.errors import ArtifactError, InputError

ROW_GROUP = 65_536


@dataclass(frozen=True)
class Column:
    """A column: its name, Arrow type, unit and meaning."""

    name: str
    dtype: pa.DataType
    meaning: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table's schema. `more` says what further columns a table may have, if any."""

    name: str
    title: str
    columns: tuple[Column, ...]
    more: str = ""

    def schema(self, extra: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
        """The Arrow schema, with further columns behind the fixed ones."""
        fields = [pa.field(c.name, c.dtype) for c in self.columns]
        return pa.schema(fields + [pa.field(n, t) for n, t in (extra or {}).items()])

    @property
    def names(self) -> list[str]:
        """Names of the fixed columns, in order."""
        return [c.name for c in self.columns]


PROPERTY_COLUMNS = (
    Column("MW", pa.float32(), "average molecular weight", "g/mol"),
    Column("logP", pa.float32(), "Wildman-Crippen octanol/water partition coefficient", "log10"),
    Column("TPSA", pa.float32(), "topological polar surface area (Ertl)", "Å²"),
    Column("QED", pa.float32(), "quantitative estimate of drug-likeness (Bickerton), 0 to 1"),
    Column("SA", pa.float32(), "synthetic accessibility (Ertl and Schuffenhauer), 1 easy to 10 hard"),
    Column("HBD", pa.float32(), "hydrogen-bond donors", "count"),
    Column("HBA", pa.float32(), "hydrogen-bond acceptors", "count"),
    Column("rotatable_bonds", pa.float32(), "rotatable bonds (RDKit, strict)", "count"),
    Column("rings", pa.float32(), "rings of the SSSR", "count"),
    Column("aromatic_rings", pa.float32(), "aromatic rings of the SSSR", "count"),
    Column("fsp3", pa.float32(), "fraction of carbons that are sp3, 0 to 1"),
    Column("stereocentres", pa.float32(), "tetrahedral stereo centres, assigned or not", "count"),
    Column("heavy_atoms", pa.float32(), "atoms other than hydrogen", "count"),
    Column("charge", pa.float32(), "formal charge of the molecule", "e"),
)
PROPERTIES = tuple(c.name for c in PROPERTY_COLUMNS)

MOLECULES = Table(
    "molecules",
    "`prepare`: one row a standardised, distinct molecule, in input order",
    (
        Column("smiles", pa.string(), "canonical SMILES after standardisation"),
        Column("name", pa.string(), "the name given in the input, or null"),
        Column("file", pa.dictionary(pa.int32(), pa.string()), "input file"),
        Column("line", pa.int64(), "line of the file, or record where a record has many lines; from 1"),
        Column("split", pa.dictionary(pa.int32(), pa.string()), "train, valid, test or test_scaffolds"),
    ),
    more="the property columns (below), unless `properties: false`",
)
REJECTS = Table(
    "rejects",
    "`prepare` and `screen`: one row an input row that did not become a molecule, or that an objective could not value",
    (
        Column("file", pa.dictionary(pa.int32(), pa.string()), "input file"),
        Column("line", pa.int64(), "line or record, from 1"),
        Column("input", pa.string(), "what stood there, at most 200 characters"),
        Column("reason", pa.string(), "why it was rejected: a fixed phrase that can be counted"),
        Column("detail", pa.string(), "more about this row, or null"),
    ),
)
SAMPLES = Table(
    "samples",
    "`sample`: exactly N rows in drawing order, repeats and failures included",
    (
        Column("index", pa.int64(), "number of the draw, from 0"),
        Column("smiles", pa.string(), "canonical SMILES of the valid draw, or null"),
        Column("reason", pa.string(), "why the draw is not a molecule, or null"),
    ),
)
STEERED = Table(
    "steered",
    "`steer`: draws under a condition, weight by weight, those without it first; each in drawing order",
    (
        Column("guidance", pa.float64(), "weight of the condition; 0: drawn without it"),
        Column("index", pa.int64(), "number of the draw at this weight, from 0"),
        Column("smiles", pa.string(), "canonical SMILES of the valid draw, or null"),
        Column("reason", pa.string(), "why the draw is not a molecule, or null"),
        Column("met", pa.bool_(), "whether every property lies within the bounds that count as met"),
    ),
    more="for each property `NAME` that was asked for: what the draw has (NaN without a molecule), and `NAME.asked`",
)
LIKELIHOODS = Table(
    "likelihoods",
    "`likelihood`: the molecules of the input in their order, with how likely the model is to write them",
    (
        Column("smiles", pa.string(), "the input's SMILES, or null"),
        Column("log_prob", pa.float64(), "log-probability of the molecule's spellings, or null", "nats"),
        Column("spellings", pa.int64(), "distinct SMILES that were added up; 1: the canonical one alone"),
        Column("tokens", pa.int64(), "SMILES tokens of the canonical spelling, its end included, or null"),
        Column("reason", pa.string(), "why there is no value, or null"),
    ),
)
LATENTS = Table(
    "latents",
    "`latent encode`: the molecules of the input in their order, with their latent vectors",
    (
        Column("smiles", pa.string(), "the input's SMILES, or null"),
        Column("latent", pa.list_(pa.float32()), "posterior mean, or null"),
        Column("reason", pa.string(), "why there is no vector, or null"),
    ),
)
SCORED = Table(
    "scored",
    "`score`: the rows of the input in their order, with every value that led to the score",
    (
        Column("smiles", pa.string(), "the input's SMILES, or null"),
        Column("score", pa.float64(), "the objective's value, 0 (bad) to 1 (good); NaN without a molecule"),
        Column("passed", pa.bool_(), "whether every hard filter was passed"),
        Column("failed", pa.string(), "the filters not passed, joined by `; `, or null"),
    ),
    more="for each component `NAME` (its raw value, float64) and `NAME.desirability` (0 to 1); `alerts` (names, "
    "and hazard flags); every other column of the input",
)
SCREENED = Table(
    "screened",
    "`screen --all`: the molecules of the library in its order, in files `all/NNNNN.parquet`; null is what was not "
    "measured because a filter was failed before, or what has no value, and `failed` says which",
    (
        Column("smiles", pa.string(), "canonical SMILES"),
        Column("score", pa.float64(), "the objective's value, 0 (bad) to 1 (good), or null"),
        Column("passed", pa.bool_(), "whether every hard filter was passed"),
        Column("failed", pa.string(), "the filters not passed at the step where it went out, joined by `; `, or null"),
        Column("name", pa.string(), "the name given in the input, or null"),
        Column("file", pa.string(), "input file"),
        Column("line", pa.int64(), "line or record, from 1; in a shard, from the shard's beginning"),
    ),
    more="for each component `NAME` (raw value) and `NAME.desirability`; `alerts`, where the objective asks for them",
)
CANDIDATES = Table(
    "candidates",
    "`rank` and `screen`: the K molecules to look at, best first",
    (
        Column("rank", pa.int64(), "place, from 1"),
        Column("smiles", pa.string(), "canonical SMILES"),
        Column("score", pa.float64(), "the objective's value, 0 to 1"),
        Column("count", pa.int64(), "how often the molecule stood in the input"),
        Column("scaffold", pa.string(), "Murcko scaffold, empty for a molecule without rings"),
    ),
    more="every other column of the scored table; from `screen` the values, `alerts`, and `name`, `file` and `line` of "
    "the molecule's best row",
)
NEIGHBORS = Table(
    "neighbors",
    "`neighbors`: for each query, in order, its most similar molecules of a library, the best first",
    (
        Column("query", pa.string(), "the query's SMILES"),
        Column("query_name", pa.string(), "its name, or null"),
        Column("rank", pa.int64(), "place, from 1; null where there is no neighbour"),
        Column("similarity", pa.float32(), "Tanimoto similarity of the fingerprints, 0 to 1"),
        Column("smiles", pa.string(), "the library's SMILES, as it stands there"),
        Column("name", pa.string(), "its name, or null"),
        Column("line", pa.int64(), "its line or record in the library, from 1"),
        Column("reason", pa.string(), "why there is no neighbour, or null"),
    ),
)
CLUSTERS = Table(
    "clusters",
    "`cluster`: the rows of the input in their order, with their cluster and scaffolds",
    (
        Column("smiles", pa.string(), "the input's SMILES"),
        Column("name", pa.string(), "its name, or null"),
        Column("cluster", pa.int64(), "number of the cluster, from 1, the largest first; null without a molecule"),
        Column("centre", pa.bool_(), "whether the row is the centre of its cluster"),
        Column("size", pa.int64(), "molecules in the cluster"),
        Column("similarity", pa.float32(), "Tanimoto similarity to the centre, 0 to 1"),
        Column("scaffold", pa.string(), "Murcko scaffold, empty for a molecule without rings"),
        Column(
            "generic_scaffold", pa.string(), "its framework: every atom C, every bond single, nothing hanging on it"
        ),
        Column("reason", pa.string(), "why there is no molecule, or null"),
    ),
)
PREDICTIONS = Table(
    "predictions",
    "`predictor predict`: the rows of the input in their order, with what a predictor says of them",
    (
        Column("smiles", pa.string(), "the input's SMILES, or null"),
        Column(
            "value", pa.float64(), "the predicted value, or the probability of being active; null without a molecule"
        ),
        Column("low", pa.float64(), "lower end of the conformal interval"),
        Column("high", pa.float64(), "its upper end"),
        Column("could_be", pa.string(), "the classes that cannot be excluded; null for a regression"),
        Column("similarity", pa.float64(), "Tanimoto similarity (ECFP4) to the nearest training molecule, 0 to 1"),
        Column("nearest", pa.string(), "that training molecule"),
        Column("inside", pa.bool_(), "whether the molecule is inside the predictor's domain"),
        Column("reason", pa.string(), "why there is no prediction, or null"),
    ),
)
TABLES = (
    MOLECULES,
    REJECTS,
    SAMPLES,
    STEERED,
    LIKELIHOODS,
    LATENTS,
    SCORED,
    SCREENED,
    CANDIDATES,
    NEIGHBORS,
    CLUSTERS,
    PREDICTIONS,
)


def read(path: Path, table: Table | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet table, checked against its schema; an error names the file and the columns there are."""
    with opened(path, table) as file:
        missing = [c for c in columns or () if c not in file.schema_arrow.names]
        if missing:
            raise InputError(f"{path}: no column {missing[0]!r}; it has {', '.join(file.schema_arrow.names)}")
        return file.read(columns=list(columns) if columns is not None else None)


@contextmanager
def opened(path: Path, table: Table | None = None) -> Iterator[pq.ParquetFile]:
    """An open Parquet file, checked against its schema, to be read in batches."""
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0]}); make it again") from None
    with file:
        if table is not None:
            check(file.schema_arrow, table, path)
        yield file


def check(schema: pa.Schema, table: Table, path: Path) -> None:
    """Refuses a schema that lacks a column of `table` or has it in another type."""
    for column in table.columns:
        index = schema.get_field_index(column.name)
        if index < 0:
            raise InputError(
                f"{path}: not a {table.name} table: no column {column.name!r}; it has {', '.join(schema.names)}"
            )
        found, wanted = _value_type(schema.field(index).type), _value_type(column.dtype)
        if found != wanted:
            raise InputError(f"{path}: column {column.name!r} is {found}, {wanted} is expected")


def write(path: Path, data: pa.Table, table: Table | None = None) -> None:
    """Writes a table whole or not at all."""
    with whole_file(path) as aside, Writer(aside, data.schema, table) as writer:
        writer.write(data)


class Writer:
    """Writes a table piece by piece; row groups are of a fixed size whatever the size of the pieces."""

    def __init__(self, path: Path, schema: pa.Schema, table: Table | None = None) -> None:
        if table is not None:
            check(schema, table, path)
        self._schema, self._rows = schema, 0
        self._pending: list[pa.Table] = []
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: pa.Table | Mapping[str, Any]) -> None:
        """Adds rows: an Arrow table, or a mapping from column to values."""
        data = rows if isinstance(rows, pa.Table) else pa.table(dict(rows), schema=self._schema)
        self._pending.append(data.cast(self._schema))
        self._rows += data.num_rows
        if self._rows >= ROW_GROUP:
            self._flush()

    def _flush(self, everything: bool = False) -> None:
        data = pa.concat_tables(self._pending).unify_dictionaries().combine_chunks() if self._pending else None
        while data is not None and (data.num_rows >= ROW_GROUP or (everything and data.num_rows)):
            self._writer.write_table(data.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
            data = data.slice(ROW_GROUP)
        self._pending, self._rows = ([data], data.num_rows) if data is not None and data.num_rows else ([], 0)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush(everything=True)
        self._writer.close()


def _value_type(dtype: pa.DataType) -> pa.DataType:
    """The type that matters: a dictionary's values, and one string type."""
    if pa.types.is_dictionary(dtype):
        dtype = dtype.value_type
    return pa.string() if pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype) else dtype


def describe() -> str:
    """The schemas as Markdown."""
    parts = ["# Tables\n\nEvery table is a Parquet file. This page is printed by `python -m molgen.core.tables`.\n"]
    property_table = Table("properties", "Property columns of `molecules` (and of the feature store)", PROPERTY_COLUMNS)
    for table in (*TABLES, property_table):
        parts.append(f"## {table.name}\n\n{table.title}.\n\n| column | type | unit | meaning |\n|---|---|---|---|")
        parts[-1] += "".join(
            f"\n| `{c.name}` | {_value_type(c.dtype)} | {c.unit} | {c.meaning} |" for c in table.columns
        )
        parts[-1] += f"\n\nFurther columns: {table.more}.\n" if table.more else "\n"
    return "\n".join(parts)


if __name__ == "__main__":
    print(describe())
