"""A small library in three formats, with repeats and rows that are no molecules, and what brute force finds in it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors

from molgen.scoring.objective import Objective
from molgen.screening.screen import ScreenSettings, screen

GARBAGE = ["not-a-molecule", "C1CC", "c1cccc1", "C(C)(C)(C)(C)C", "C" * 50_000, "\x01\x02", "]", "()"]
MAX_MW = 330.0


@pytest.fixture(scope="session")
def objective() -> Objective:
    """Fraction of sp3 carbons as the score (there are many ties), below a molecular weight."""
    return Objective.parse({"components": [{"type": "fsp3"}], "filters": {"MW": {"max": MAX_MW}}})


@dataclass(frozen=True)
class Known:
    """A library's files and its rows: (file, line, SMILES) of every row that is no blank line, in order."""

    files: list[Path]
    rows: list[tuple[str, int, str]]

    def molecules(self) -> dict[str, dict]:
        """Brute force: each distinct molecule by canonical SMILES with its values, first place and number of rows."""
        found: dict[str, dict] = {}
        for file, line, text in self.rows:
            mol = Chem.MolFromSmiles(text) if len(text) <= 2_000 else None
            if mol is not None:
                values = {"file": file, "line": line, "count": 0, "score": rdMolDescriptors.CalcFractionCSP3(mol)}
                entry = found.setdefault(Chem.MolToSmiles(mol), {**values, "MW": Descriptors.MolWt(mol), "mol": mol})
                entry["count"] += 1
        return found

    def ranked(self) -> list[str]:
        """The molecules that pass, best first."""
        passed = [(-m["score"], smiles) for smiles, m in self.molecules().items() if m["MW"] <= MAX_MW]
        return [smiles for _, smiles in sorted(passed)]


@pytest.fixture(scope="session")
def library(zinc_smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Known:
    """240 molecules as .smi, .csv.gz and .parquet, some of them twice, some in another spelling, with garbage."""
    folder = tmp_path_factory.mktemp("library")
    texts = zinc_smiles[:240]
    other = [Chem.MolToSmiles(Chem.MolFromSmiles(s), canonical=False, kekuleSmiles=True) for s in texts[:30]]
    first, second, third = [*texts[:100], *GARBAGE], [*texts[60:170], GARBAGE[0]], [*texts[150:], *other]
    lines = [line for i, text in enumerate(first) for line in ([text, ""] if i % 9 == 4 else [text])]
    (folder / "a.smi").write_text("".join(f"{line} n{i}\n" if line else "\n" for i, line in enumerate(lines)))
    table = "smiles,id\n" + "".join(f"{text},m{i}\n" for i, text in enumerate(second))
    (folder / "b.csv.gz").write_bytes(gzip.compress(table.encode()))
    pq.write_table(pa.table({"smiles": third}), folder / "c.parquet", row_group_size=17)
    rows = [("a.smi", number, line) for number, line in enumerate(lines, 1) if line]
    rows += [("b.csv.gz", number, text) for number, text in enumerate(second, 2)]
    rows += [("c.parquet", number, text) for number, text in enumerate(third, 1)]
    return Known([folder / name for name in ("a.smi", "b.csv.gz", "c.parquet")], rows)


@pytest.fixture
def run(library: Known, objective: Objective, tmp_path: Path) -> Callable[..., Path]:
    """`run("name", top=5, workers=2, diversity="scaffold")`: the folder of a finished screen of the library."""

    def do(name: str, *, top: int = 20, workers: int = 1, shard=None, **settings) -> Path:
        chosen = ScreenSettings.parse({"chunk": 32, **settings})
        screen(library.files, objective, tmp_path / name, top=top, settings=chosen, shard=shard, workers=workers)
        return tmp_path / name

    return do


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a result, without its provenance and what only a shard has."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "provenance.json" and "part" not in p.parts]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
