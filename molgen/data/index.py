"""The index of a library for similarity search: a folder of flat files, opened as memory maps in milliseconds.

header.json      format, counts, fingerprint settings, how many rows were skipped and why
prints.bin       (molecules, bits / 8) uint8 fingerprints, without a header of its own
molecules.arrow  SMILES, name and line of each molecule (Arrow file, not compressed)
graph.usearch    only after the first approximate search: a graph over the fingerprints (`molgen.data.graph`)
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from molgen.core.artifacts import Identity, already_made, building, read_provenance, write_json
from molgen.core.errors import ArtifactError, InputError
from molgen.core.progress import progress
from molgen.data.printed import PrintSettings, printed
from molgen.data.readers import Columns, Reader

FORMAT = 1
HEADER, PRINTS, MOLECULES = "header.json", "prints.bin", "molecules.arrow"
SCHEMA = pa.schema([("smiles", pa.string()), ("name", pa.string()), ("line", pa.int64())])
PREPARED = "molecules.parquet"  # in a folder that `prepare` made


class Library:
    """An open index: fingerprints uint8 (molecules, bits / 8) and, row by row, a table of SMILES, names and lines."""

    def __init__(self, folder: Path, key: str, header: dict[str, Any], prints: np.ndarray, molecules: pa.Table) -> None:
        self.folder, self.key, self.header = folder, key, header
        self.prints, self.molecules = prints, molecules
        self.settings = PrintSettings(radius=header["radius"], bits=header["bits"])

    @classmethod
    def open(cls, folder: Path) -> Library:
        """Opens an index whatever its size; ArtifactError if it is damaged, or of another version."""
        header = _header(folder)
        shape = (header["molecules"], header["bits"] // 8)
        try:
            if (folder / PRINTS).stat().st_size != shape[0] * shape[1]:
                raise ValueError(f"{PRINTS} does not fit")
            prints = np.memmap(folder / PRINTS, np.uint8, "r", shape=shape)
            molecules = pa.ipc.open_file(pa.memory_map(str(folder / MOLECULES))).read_all()
        except (OSError, ValueError) as error:  # Arrow's errors are of these
            raise ArtifactError(f"{folder}: not a whole index ({error}); remove it and make it again") from None
        key = (read_provenance(folder) or {}).get("key", "")
        return cls(folder, key, header, prints, molecules)

    def __len__(self) -> int:
        return len(self.prints)

    @property
    def damage(self) -> str | None:
        """What of the library's file could not be read when the index was made."""
        damage: str | None = self.header["damage"]
        return damage


def _header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / HEADER).read_text())
    except (OSError, ValueError):
        header = None
    if not isinstance(header, dict) or "bits" not in header:
        raise InputError(f"{folder}: a folder, but no index of a library; name a file of molecules, or such an index")
    if header["format"] != FORMAT:
        raise ArtifactError(f"{folder}: index of format {header['format']}, this molgen reads {FORMAT}; make it again")
    return header


def open_library(
    place: Path,
    *,
    index: Path | None = None,
    radius: int | None = None,
    bits: int | None = None,
    columns: Columns | None = None,
    workers: int = 1,
) -> Library:
    """The library at `place`: an index folder, or a file of molecules whose index is made first if it is not there.

    The index of a file is `index`, or lies beside it (`library.smi.gz.index`). `radius` and `bits` are 2 and 2,048, or
    those of an index folder, unless given; an index of others is refused.
    """
    asked = {name: value for name, value in (("radius", radius), ("bits", bits)) if value is not None}
    if place.is_dir() and not (place / PREPARED).exists():
        library = Library.open(place)
        difference = [
            f"{name}: {library.header[name]} there, {value} asked for"
            for name, value in asked.items()
            if library.header[name] != value
        ]
        if difference:
            raise ArtifactError(
                f"{place}: an index with other settings ({'; '.join(difference)}); make one of these with "
                "--library FILE --index DIR"
            )
        return library
    file = place / PREPARED if place.is_dir() else place
    folder = index or file.with_name(f"{file.name}.index")
    build(file, folder, PrintSettings.parse(asked), columns=columns, workers=workers)
    return Library.open(folder)


def build(file: Path, out: Path, settings: PrintSettings, *, columns: Columns | None = None, workers: int = 1) -> None:
    """Makes the index of a file of molecules, unless it is there. Rows that are no molecules are skipped and counted.

    Of a file that breaks off, what could be read goes in, and the header says so.
    """
    columns = columns or Columns()
    wanted = {"smiles_column": columns.smiles, "name_column": columns.name, **settings.values()}
    identity = Identity.of("neighbors", wanted, {"library": file})
    if already_made(out, identity, option="--index"):
        return
    reader = Reader(file, columns)
    with building(out, identity, workers=workers) as aside:
        aside.mkdir()
        write_json(aside / HEADER, _write(aside, reader, settings, workers))


def _write(folder: Path, reader: Reader, settings: PrintSettings, workers: int) -> dict[str, Any]:
    """Writes fingerprints and molecules chunk by chunk; what the header says about them."""
    skipped, molecules = Counter[str](), 0
    with (
        (folder / PRINTS).open("wb") as prints,
        pa.ipc.new_file(str(folder / MOLECULES), SCHEMA) as table,
        progress("index", None, "molecules") as bar,
    ):
        for part in printed(reader, settings, workers):
            there = part.there
            prints.write(part.prints[there].tobytes())
            rows = pa.table([part.smiles, part.names, part.lines], SCHEMA)
            table.write_table(rows.filter(pa.array(there)))
            skipped.update(reason for reason in part.reasons if reason)
            molecules += int(there.sum())
            bar.advance(len(there))
    if not molecules:
        raise InputError(f"{reader.path}: no molecule is left of {bar.done:,} rows ({skipped.most_common(1)[0][0]})")
    counts = {"molecules": molecules, "rows": bar.done, "skipped": dict(skipped.most_common())}
    return {"format": FORMAT, **counts, **settings.values(), "damage": reader.damage}
