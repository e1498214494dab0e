"""Reference files of an objective: how many molecules of a file have each scaffold, or each ring system.

The file is a table of counts (`.csv` with the columns `scaffold` or `ring_system`, and `count`, as
`molgen objective count` writes it) or a file of molecules, from which the counts are made when the objective is used.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.chem.ring_systems import ring_systems
from molgen.chem.scaffolds import murcko
from molgen.core.artifacts import Identity, already_made, building, fingerprint
from molgen.core.errors import InputError, SettingsError, nearest
from molgen.core.settings import Settings
from molgen.scoring.source import read_smiles

Part = Literal["scaffold", "ring_system"]
PARTS = ("scaffold", "ring_system")


class ReferenceFile(Settings):
    """A file and the hash of its content, so that an objective whose file has changed is another objective.

    In an objective it is the path alone, looked for beside the objective; the hash is taken when it is read.
    """

    path: str
    sha256: str

    @model_validator(mode="before")
    @classmethod
    def _hashed(cls, values: Any) -> Any:
        if not isinstance(values, str):
            return values
        try:
            return {"path": values, "sha256": fingerprint(Path(values))}
        except InputError as error:
            raise ValueError(str(error)) from None

    def counts(self, part: Part) -> Mapping[str, int]:
        """How many molecules of the file have each scaffold or ring system; an InputError if it holds none."""
        return _counts(self.path, self.sha256, part)


@lru_cache(maxsize=8)
def _counts(path: str, sha256: str, part: Part) -> Mapping[str, int]:
    file = Path(path)
    if fingerprint(file) != sha256:
        raise InputError(f"{file}: changed since the objective was read; run the same command again")
    return _read_counts(file, part) if file.suffix == ".csv" else count(file, part)


def count(file: Path, part: Part) -> dict[str, int]:
    """How many molecules of a molecule file have each part, most frequent first; a SMILES that is none is left out."""
    found: Counter[str] = Counter()
    molecules = 0
    for smiles in read_smiles(file):
        try:
            found.update(parts_of(parse(smiles), part))
            molecules += 1
        except (BadMolecule, RuntimeError, ValueError):
            continue
    if molecules == 0:
        raise InputError(f"{file}: no molecules in it; a reference needs at least one")
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def parts_of(mol: Chem.Mol, part: Part) -> list[str]:
    """The ring systems of a molecule, or its scaffold; [] for a molecule without rings."""
    if part == "ring_system":
        return ring_systems(mol)
    return [scaffold] if (scaffold := murcko(mol)) else []


def count_file(file: Path, out: Path, of: str) -> Mapping[str, int]:
    """Counts the parts of a molecule file into a `.csv` table, and returns them; a finished one is left alone."""
    if of not in PARTS:
        raise SettingsError(f"--of {of!r}: unknown{nearest(of, PARTS)}")
    if out.suffix != ".csv":
        raise InputError(f"{out}: --out must end in .csv")
    part: Part = "scaffold" if of == "scaffold" else "ring_system"
    identity = Identity.of("objective count", {"of": part}, {"molecules": file})
    if already_made(out, identity):
        return _read_counts(out, part)
    found = count(file, part)
    with building(out, identity) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([(part, "count"), *found.items()])
    return found


def _read_counts(file: Path, part: Part) -> dict[str, int]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        rows = csv.DictReader(stream)
        if missing := [name for name in (part, "count") if name not in (rows.fieldnames or ())]:
            raise InputError(f"{file}: no column {missing[0]!r}; it has {', '.join(rows.fieldnames or ()) or 'none'}")
        found = dict(_rows(file, rows, part))
    if not found:
        raise InputError(f"{file}: no rows in it; a reference needs at least one")
    return found


def _rows(file: Path, rows: csv.DictReader[str], part: Part) -> Iterator[tuple[str, int]]:
    for row in rows:
        where = f"{file}:{rows.line_num}"
        text = row["count"] or ""
        if not text.strip().isdecimal() or int(text) < 1:
            raise InputError(f"{where}: count = {text!r}; a whole number from 1 is expected")
        mol = Chem.MolFromSmiles(row[part] or "")
        if mol is None or mol.GetNumAtoms() == 0:
            raise InputError(f"{where}: {part} = {row[part]!r} is not a molecule")
        yield (
            Chem.MolToSmiles(mol, isomericSmiles=False),
            int(text),
        )  # ours are canonical; one written by hand may not be
