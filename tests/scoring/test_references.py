"""Reference files: scaffolds and ring systems counted, and the components that use them, against a count by hand."""

import math
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.core.errors import InputError, MolgenError, SettingsError
from molgen.scoring.components import COMPONENTS
from molgen.scoring.objective import Objective
from molgen.scoring.reference import count, count_file

KNOWN = ["c1ccccc1C", "c1ccccc1CC", "c1ccncc1-c1ccccc1", "CCO", "not a molecule", "C1CCCCC1"]


@pytest.fixture
def known(tmp_path: Path) -> Path:
    (tmp_path / "known.smi").write_text("\n".join(KNOWN))
    return tmp_path / "known.smi"


def scored(write: Callable[..., Path], kind: str, smiles: list[str], file: str = "known.smi") -> list[float]:
    part = {"type": kind, "transform": "none", "reference_file": file}
    component = Objective.read(write(components=[part])).components[0]
    return COMPONENTS[kind](component).score([Chem.MolFromSmiles(text) for text in smiles]).tolist()


def test_scaffolds_known_and_new(known: Path, objective_file: Callable[..., Path]) -> None:
    smiles = ["Fc1ccccc1", "c1ccc(-c2ccncc2)cc1", "C1CCCCC1N", "C1CCNCC1", "CCCC"]
    assert scored(objective_file, "scaffold_novelty", smiles) == [0, 1, 0, 1, 0]
    assert scored(objective_file, "scaffold_count", smiles) == [2, 0, 1, 0, 0]


def test_rarity_by_hand(known: Path, objective_file: Callable[..., Path]) -> None:
    # benzene in 3 molecules, pyridine in 1, cyclohexane in 1: 5 in all
    smiles = ["Fc1ccccc1", "c1ccncc1Cc1ccccc1", "C1CCNCC1", "CCCC"]
    expected = [math.log10(6 / 4), math.log10(6 / 2), math.log10(6), 0]
    np.testing.assert_allclose(scored(objective_file, "ring_rarity", smiles), expected, rtol=1e-12)


def test_counts_equal_a_loop_over_rdkit(tmp_path: Path, smiles: list[str]) -> None:
    (tmp_path / "in.smi").write_text("\n".join(smiles[:300]))
    found = count(tmp_path / "in.smi", "scaffold")
    expected = Counter(MurckoScaffold.MurckoScaffoldSmiles(text) for text in smiles[:300])
    del expected[""]
    assert found == dict(expected)
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize(("kind", "part"), [("scaffold_novelty", "scaffold"), ("ring_rarity", "ring_system")])
def test_a_table_of_counts_says_the_same_as_the_molecules(
    known: Path, objective_file: Callable[..., Path], kind: str, part: str
) -> None:
    counts = count_file(known, known.with_name("counts.csv"), part)
    assert counts == count(known, part)
    smiles = ["Fc1ccccc1", "c1ccc(-c2ccncc2)cc1", "C1CCNCC1", "CCCC"]
    assert scored(objective_file, kind, smiles, "counts.csv") == scored(objective_file, kind, smiles)


def test_a_table_by_hand_need_not_be_canonical(tmp_path: Path, objective_file: Callable[..., Path]) -> None:
    (tmp_path / "mine.csv").write_text("\ufeffscaffold,count,note\r\nC1=CC=CC=C1,7,benzene\r\n", encoding="utf-8")
    assert scored(objective_file, "scaffold_count", ["Cc1ccccc1"], "mine.csv") == [7]


def test_another_content_is_another_objective(known: Path, objective_file: Callable[..., Path]) -> None:
    part = {"type": "scaffold_novelty", "reference_file": "known.smi"}
    file = objective_file(components=[part])
    before = Objective.read(file)
    assert Objective.parse(before.values()) == before
    known.write_text("C1CC1C")
    assert Objective.read(file) != before
    with pytest.raises(InputError, match=r"known\.smi: changed since the objective was read"):
        COMPONENTS["scaffold_novelty"](before.components[0])


def test_references_beside_the_objective_whatever_the_folder(
    known: Path, objective_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.move(known, tmp_path / "elsewhere" / "known.smi")
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="no such file"):
        scored(objective_file, "ring_rarity", ["CC"])
    assert scored(objective_file, "ring_rarity", ["CC"], "elsewhere/known.smi") == [0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bad.smi", "junk\n", r"bad\.smi: no molecules in it; a reference needs at least one"),
        ("bad.smi", "", r"bad\.smi: no molecules in it"),
        ("bad.csv", "a,b\n1,2\n", r"bad\.csv: no column 'scaffold'; it has a, b"),
        ("bad.csv", "", r"bad\.csv: no column 'scaffold'; it has none"),
        ("bad.csv", "scaffold,count\n", r"bad\.csv: no rows in it"),
        ("bad.csv", "scaffold,count\nC1CC1,2\nC1CC1C,many\n", r"bad\.csv:3: count = 'many'; a whole number from 1"),
        ("bad.csv", "scaffold,count\nC1CC1,-2\n", r"bad\.csv:2: count = '-2'"),
        ("bad.csv", "scaffold,count\nC1CC\n", r"bad\.csv:2: count = ''"),
        ("bad.csv", "scaffold,count\nC1CC,3\n", r"bad\.csv:2: scaffold = 'C1CC' is not a molecule"),
        ("bad.xyz", "C\n", r"bad\.xyz: a \.smi, \.smi\.gz or \.parquet file is expected"),
    ],
)
def test_files_that_are_no_reference(
    tmp_path: Path, objective_file: Callable[..., Path], name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MolgenError, match=message) as caught:
        scored(objective_file, "scaffold_novelty", ["C"], name)
    assert "\n" not in str(caught.value)


def test_a_references_file_without_molecules(tmp_path: Path, objective_file: Callable[..., Path]) -> None:
    (tmp_path / "none.smi").write_text("\n\n")
    file = objective_file(components=[{"type": "similarity", "references_file": "none.smi"}])
    with pytest.raises(InputError, match=r"none\.smi: no molecules in it; a reference needs at least one"):
        Objective.read(file)
