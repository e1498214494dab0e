"""`score`: the scored table against RDKit's own values, its sameness, and what happens to bad input."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors

from molgen.cli import main as command
from molgen.core.errors import ArtifactError, InputError, PartialError
from molgen.core.tables import SAMPLES, SCORED, read
from molgen.scoring.objective import Objective
from molgen.scoring.score import score

GARBAGE = ["not a molecule", "C1CC", "c1cccc1", "C(C)(C)(C)(C)C", "C" * 20_000]


@pytest.fixture
def molecules(tmp_path: Path, smiles: list[str]) -> Path:
    file = tmp_path / "in.smi"
    file.write_text("".join(f"{s} z{i}\n" for i, s in enumerate(smiles)))
    return file


def frame(path: Path) -> pd.DataFrame:
    return read(path, SCORED).to_pandas()


def test_values_equal_rdkit(tmp_path: Path, smiles: list[str], simple: Objective) -> None:
    (tmp_path / "in.smi").write_text("\n".join(smiles[:200]))
    summary = score(tmp_path / "in.smi", simple, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    mols = [Chem.MolFromSmiles(s) for s in smiles[:200]]
    assert found.smiles.tolist() == smiles[:200]
    np.testing.assert_allclose(found.QED, [QED.qed(m) for m in mols], rtol=1e-12)
    np.testing.assert_allclose(found.logP, [Crippen.MolLogP(m) for m in mols], rtol=1e-12)
    np.testing.assert_allclose(found.MW, [Descriptors.MolWt(m) for m in mols], rtol=1e-12)
    expected = (found["QED.desirability"] ** 2 * found["logP.desirability"]) ** (1 / 3)
    np.testing.assert_allclose(found.score, expected, rtol=1e-12)
    names = [[name for name in text.split("; ") if name and not name.startswith("HAZARD")] for text in found.alerts]
    counts = [len(own) for own in names]
    assert found.alert_count.tolist() == counts
    assert found.passed.tolist() == [bool(w <= 400 and a == 0) for w, a in zip(found.MW, counts, strict=True)]
    assert (summary.rows, summary.passed) == (200, found.passed.sum())
    assert summary.best == found.score[found.passed].max()


def test_hazards_are_flagged_and_not_hidden(tmp_path: Path, simple: Objective) -> None:
    (tmp_path / "in.smi").write_text("CCCCN=[N+]=[N-]\nCCOc1ccccc1\n")
    score(tmp_path / "in.smi", simple, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert "HAZARD: organic azide (explosive)" in found.alerts[0].split("; ")
    assert "HAZARD" not in found.alerts[1]
    assert found.alert_count[0] == len(found.alerts[0].split("; ")) - 1  # the flag is no alert of the sets
    wish = Objective.parse({"components": [{"type": "fsp3"}], "filters": {"hazards": {}}})
    score(tmp_path / "in.smi", wish, tmp_path / "wish.parquet")
    found = frame(tmp_path / "wish.parquet")
    assert (found.hazards.tolist(), found.passed.tolist()) == ([1, 0], [False, True])
    assert found.score[0] == 1


def test_strained_molecules_do_not_pass_where_none_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "in.smi").write_text("C1(C2N=N2)=CS1\nCCOc1ccccc1\nC1CC1C1CNC1\n")
    wish = Objective.parse({"components": [{"type": "fsp3"}], "filters": {"strain": {}}})
    score(tmp_path / "in.smi", wish, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert (found.strain.tolist(), found.passed.tolist()) == ([2, 0, 0], [False, True, True])


def test_the_same_with_one_and_two_workers(tmp_path: Path, molecules: Path, simple: Objective) -> None:
    score(molecules, simple, tmp_path / "one.parquet", workers=1)
    score(molecules, simple, tmp_path / "two.parquet", workers=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_references_the_same_with_one_and_two_workers(
    tmp_path: Path, molecules: Path, objective_file: Callable[..., Path]
) -> None:
    (tmp_path / "known.smi").write_text("c1ccccc1\nc1ccc(cc1)-c1ccccc1\nC1CCNCC1\n")
    parts = [
        {"type": "scaffold_novelty", "reference_file": "known.smi"},
        {"type": "ring_rarity", "reference_file": "known.smi", "transform": {"type": "linear", "low": 0, "high": 2}},
        {"type": "np_likeness", "transform": {"type": "sigmoid", "low": -3, "high": 1}},
    ]
    objective = Objective.read(objective_file(components=parts, aggregation="arithmetic"))
    score(molecules, objective, tmp_path / "one.parquet", workers=1)
    score(molecules, objective, tmp_path / "two.parquet", workers=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_samples_keep_their_rows_and_columns(tmp_path: Path, simple: Objective) -> None:
    rows = {"index": [0, 1, 2, 3], "smiles": ["CCO", None, "CCO", "c1ccccc1O"], "reason": [None, "valence", None, None]}
    pq.write_table(pa.table(rows, schema=SAMPLES.schema()), tmp_path / "samples.parquet")
    summary = score(tmp_path / "samples.parquet", simple, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert found["index"].tolist() == [0, 1, 2, 3]
    assert found.reason.fillna("").tolist() == ["", "valence", "", ""]
    assert found.failed.fillna("").tolist() == ["", "no molecule", "", ""]
    assert found.passed.tolist() == [True, False, True, True]
    assert np.isnan(found.score).tolist() == [False, True, False, False]
    assert found.score[0] == found.score[2]
    assert (summary.rows, summary.scored, summary.failed) == (4, 3, {"no molecule": 1})


def test_dictionary_columns_and_own_names(tmp_path: Path, simple: Objective) -> None:
    table = pa.table({"smiles": ["CCO"] * 3, "split": pa.array(["a", "b", "a"]).dictionary_encode(), "QED": [9.0] * 3})
    pq.write_table(table, tmp_path / "in.parquet")
    score(tmp_path / "in.parquet", simple, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert found.split.tolist() == ["a", "b", "a"]
    assert (found.QED < 1).all()  # the computed value, not the input's of the same name


def test_good_rows_are_not_lost_because_of_bad_ones(tmp_path: Path, smiles: list[str], simple: Objective) -> None:
    good = smiles[:45]
    lines = "\r\n".join([*GARBAGE, "", *good[:20], "", "   ", *good[20:]])
    (tmp_path / "in.smi").write_bytes(b"\xef\xbb\xbf" + lines.encode() + b"\r\n\xff\xfe\r\n")
    summary = score(tmp_path / "in.smi", simple, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert found.smiles[5:50].tolist() == good
    assert not np.isnan(found.score[5:50]).any()
    assert summary.rows - summary.scored == len(GARBAGE) + 1
    assert set(found.failed[:5]) == {
        "no molecule: SMILES syntax",
        "no molecule: valence",
        "no molecule: kekulization",
        "no molecule: SMILES too long",
    }


def test_gzip_and_truncated_gzip(tmp_path: Path, smiles: list[str], simple: Objective) -> None:
    whole = gzip.compress("\n".join(smiles).encode())
    (tmp_path / "a.smi.gz").write_bytes(whole)
    assert score(tmp_path / "a.smi.gz", simple, tmp_path / "a.parquet").rows == len(smiles)
    (tmp_path / "b.smi.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PartialError, match="damaged or truncated"):
        score(tmp_path / "b.smi.gz", simple, tmp_path / "b.parquet")
    found = frame(tmp_path / "b.parquet").smiles.tolist()
    assert len(found) > 400
    assert found[:-1] == smiles[: len(found) - 1]


def test_a_finished_table_is_left_alone_and_another_is_refused(tmp_path: Path, molecules: Path) -> None:
    quick = Objective.parse({"components": [{"type": "fsp3"}]})
    first = score(molecules, quick, tmp_path / "out.parquet")
    stamp = (tmp_path / "out.parquet").stat().st_mtime_ns
    assert score(molecules, quick, tmp_path / "out.parquet") == first
    assert (tmp_path / "out.parquet").stat().st_mtime_ns == stamp
    with pytest.raises(ArtifactError, match=r"out\.parquet: exists with other settings"):
        score(molecules, Objective.parse({"components": [{"type": "QED"}]}), tmp_path / "out.parquet")


def test_a_crashing_program_is_counted_and_the_run_goes_on(tmp_path: Path, molecules: Path) -> None:
    program = "import sys\nfor line in sys.stdin:\n    if '#' in line: sys.exit(1)\n    print(1, flush=True)"
    objective = Objective.parse(
        {
            "components": [
                {"type": "external", "name": "dock", "command": [sys.executable, "-c", program], "transform": "none"}
            ]
        }
    )
    summary = score(molecules, objective, tmp_path / "out.parquet")
    found = frame(tmp_path / "out.parquet")
    assert summary.failed["dock has no value"] == np.isnan(found.dock).sum() > 0
    assert summary.scored == (found.score == 1).sum() > 0
    assert not found.passed[np.isnan(found.dock)].any()


def _table_without_smiles(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"SMILES": ["C"], "x": [1]}), tmp_path / "columns.parquet")
    return tmp_path / "columns.parquet"


def _written(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(tmp_path: Path) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "absent.smi", "no such file"),
        (lambda folder: folder / "absent.parquet", "no such file"),
        (_written("empty.smi", b""), "no molecules in it"),
        (_written("blank.smi", b"\n \r\n"), "no molecules in it"),
        (_written("binary.smi", bytes(range(256))), "a binary file"),
        (_written("plain.smi.gz", b"CCO\n"), "not a gzip file"),
        (_written("short.parquet", b"PAR1 and nothing"), "not a whole Parquet file"),
        (_table_without_smiles, "no column 'smiles'; it has SMILES, x"),
        (lambda folder: folder, "cannot be read (Is a directory)"),
    ],
    ids=["absent", "absent table", "empty", "blank", "binary", "not gz", "short table", "columns", "folder"],
)
def test_bad_files_end_with_one_line_and_leave_nothing(
    tmp_path: Path,
    make: Callable[[Path], Path],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    objective_file: Callable[..., Path],
) -> None:
    objective = objective_file(components=[{"type": "QED"}])
    file = make(tmp_path)
    before = set(tmp_path.iterdir())
    arguments = ["molgen", "score", str(file), "--objective", str(objective), "--out", str(tmp_path / "out.parquet")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("molgen: ")]
    assert len(error) == 1
    assert message in error[0]
    assert set(tmp_path.iterdir()) == before


def test_the_output_must_be_called_parquet(tmp_path: Path, molecules: Path, simple: Objective) -> None:
    with pytest.raises(InputError, match=r"must end in \.parquet"):
        score(molecules, simple, tmp_path / "out.csv")


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_nothing_behind(
    tmp_path: Path, molecules: Path, objective_file: Callable[..., Path], workers: int
) -> None:
    program = "import sys, time\nfor line in sys.stdin: time.sleep(0.05); print(1, flush=True)"
    slow = {"type": "external", "command": [sys.executable, "-c", program], "timeout": 5, "transform": "none"}
    objective = objective_file(components=[slow])
    arguments = [str(molecules), "--objective", str(objective), "--workers", str(workers)]
    arguments += ["--out", str(tmp_path / "out.parquet")]
    before = set(tmp_path.iterdir())
    process = subprocess.Popen(
        [sys.executable, "-c", "from molgen.cli.main import main; main()", "score", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while set(tmp_path.iterdir()) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(tmp_path.iterdir()) != before
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert set(tmp_path.iterdir()) == before


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, molecules: Path, objective_file: Callable[..., Path]
) -> None:
    objective, small = objective_file(components=[{"type": "fsp3"}]), tmp_path / "small"
    small.mkdir()
    arguments = ["score", str(molecules), "--objective", str(objective), "--out", str(small / "out.parquet")]
    script = f'mount -t tmpfs -o size=16k tmpfs {small} || exit 99; "$@"; code=$?; ls -A {small} >&2; exit $code'
    molgen = [sys.executable, "-c", "from molgen.cli.main import main; main()"]
    done = subprocess.run(
        [*["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"], script, "sh", *molgen, *arguments],
        capture_output=True,
        text=True,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a small disk")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("molgen: ")  # and `ls` has nothing to say behind it
    assert "the disk is full" in done.stderr
