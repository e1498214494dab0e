"""prepare: nothing good is lost, nothing bad disappears, and the output depends on input, settings and seed alone."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors

from molgen.chem.scaffolds import murcko
from molgen.cli.main import main
from molgen.core.artifacts import fingerprint
from molgen.core.errors import ArtifactError, InputError, PartialError, SettingsError
from molgen.core.tables import MOLECULES, REJECTS, read
from molgen.data.clean import clean
from molgen.data.prepare import PrepareSettings, prepare

PLAIN = PrepareSettings(properties=False)


def _chains(n: int) -> list[str]:
    """Distinct molecules, some with rings."""
    return [f"{'C' * (1 + i % 40)}{'O' if i % 2 else 'N'}c1ccc({'C' * (i // 40)}F)cc1" for i in range(n)]


def _file(folder: Path, lines: list[str], name: str = "in.smi") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def _molecules(out: Path) -> list[dict]:
    return read(out / "molecules.parquet", MOLECULES).to_pylist()


def _rejects(out: Path) -> list[dict]:
    return read(out / "rejects.parquet", REJECTS).to_pylist()


BAD = [
    ("C1CC", "SMILES syntax"),
    ("CC(C)(C)(C)C", "valence"),
    ("c1cccc1", "kekulization"),
    ("C" * 20_000, "SMILES too long"),
    ("[Fe]", "element"),
    ("C" * 101, "too large"),
    ("C[N+](C)(C)CC[N+](C)(C)CC[N+](C)(C)C", "charge"),
    ("\x01\x02\x03", "SMILES syntax"),
    ("OCC", "duplicate"),
    ("[Na+].CCO", "duplicate"),
]


def test_every_row_is_a_molecule_or_a_reject(tmp_path):
    lines = ["CCO ethanol", *(text for text, _ in BAD), "", "CC(=O)[O-].[Na+] salt", "C[C@H](N)C(=O)O"]
    out = prepare([_file(tmp_path, lines)], tmp_path / "out")
    rows = _molecules(out)
    assert [(r["smiles"], r["name"], r["line"]) for r in rows] == [
        ("CCO", "ethanol", 1),
        ("CC(=O)O", "salt", 13),
        ("C[C@H](N)C(=O)O", None, 14),
    ]
    assert rows[1]["MW"] == pytest.approx(Descriptors.MolWt(Chem.MolFromSmiles("CC(=O)O")), rel=1e-6)
    rejects = _rejects(out)
    assert [(r["line"], r["reason"]) for r in rejects] == [(i, reason) for i, (_, reason) in enumerate(BAD, 2)]
    assert rejects[-1]["detail"] == "first at in.smi line 1"
    assert all(len(r["input"]) <= 200 for r in rejects)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["rows"], summary["molecules"], summary["blank_lines"]) == (13, 3, 1)
    assert summary["rejects"] == {"SMILES syntax": 2, "duplicate": 2} | dict.fromkeys(
        ("valence", "kekulization", "SMILES too long", "element", "too large", "charge"), 1
    )
    assert summary["heavy_atoms"] == {"min": 3, "mean": pytest.approx(13 / 3), "max": 6}
    assert summary["molecules_with_element"] == {"C": 3, "O": 3, "N": 1}
    assert summary["properties"]["MW"]["mean"] == pytest.approx(sum(r["MW"] for r in rows) / 3)


def test_same_output_for_any_number_of_workers(tmp_path):
    lines = _chains(1200)
    lines[::10] = ["garbage("] * 120
    source = _file(tmp_path, lines)
    outs = [prepare([source], tmp_path / f"out{n}", PrepareSettings(sample=1100), seed=5, workers=n) for n in (1, 2)]
    assert fingerprint(outs[0]) == fingerprint(outs[1])
    assert 0 < len(_rejects(outs[0])) <= 120


def test_garbage_costs_no_good_row(tmp_path):
    good = _chains(300)
    lines = [line for i, text in enumerate(good) for line in ([text, "\x00\xff(&"] if i % 10 == 5 else [text])]
    out = prepare([_file(tmp_path, lines)], tmp_path / "out", PLAIN)
    expected = [Chem.CanonSmiles(text) for text in good]
    assert [row["smiles"] for row in _molecules(out)] == expected
    assert len(_rejects(out)) == 30


def test_split_does_not_depend_on_order(tmp_path):
    lines = _chains(400)
    a = prepare([_file(tmp_path, lines, "a.smi")], tmp_path / "a", PLAIN, seed=1)
    b = prepare([_file(tmp_path, lines[::-1], "b.smi")], tmp_path / "b", PLAIN, seed=1)
    of_a, of_b = ({row["smiles"]: row["split"] for row in _molecules(out)} for out in (a, b))
    assert of_a == of_b
    assert set(of_a.values()) == {"train", "valid", "test"}
    c = prepare([_file(tmp_path, lines, "a.smi")], tmp_path / "c", PLAIN, seed=2)
    assert {row["smiles"]: row["split"] for row in _molecules(c)} != of_a


def test_scaffolds_stay_together(tmp_path):
    lines = [f"{'C' * n}C1{'C' * ring}1" for ring in range(2, 30) for n in range(1, 5)]
    out = prepare([_file(tmp_path, lines)], tmp_path / "out", PrepareSettings(properties=False, split="scaffold"))
    splits: dict[str, set[str]] = {}
    for row in _molecules(out):
        splits.setdefault(murcko(Chem.MolFromSmiles(row["smiles"])), set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert len(set.union(*splits.values())) > 1


def test_files_as_splits(tmp_path):
    lines, settings = _chains(900), PrepareSettings(properties=False, split="files", valid_fraction=0.1)
    files = [_file(tmp_path, lines[:700], "train.smi"), _file(tmp_path, lines[700:], "test.smi")]
    rows = _molecules(prepare(files, tmp_path / "out", settings))
    assert {row["split"] for row in rows[700:]} == {"test"}
    assert 40 < sum(row["split"] == "valid" for row in rows[:700]) < 100
    files.append(_file(tmp_path, ["CCCC"], "valid.smi"))
    rows = _molecules(prepare(files, tmp_path / "three", settings))
    assert [row["split"] for row in rows[:700]] == ["train"] * 700
    assert rows[-1]["split"] == "valid"


def test_split_column(tmp_path):
    path = _file(tmp_path, ["SMILES,SPLIT", "CCO,train", "CCN,val", "CCC,nowhere"], "a.csv")
    settings = PrepareSettings(properties=False, split="column", split_column="SPLIT")
    out = prepare([path], tmp_path / "out", settings)
    assert [row["split"] for row in _molecules(out)] == ["train", "valid"]
    assert [(r["line"], r["reason"], r["detail"]) for r in _rejects(out)] == [(4, "unknown split", "nowhere")]


def test_sample_and_limit(tmp_path):
    files = [_file(tmp_path, _chains(1000)[:600], "a.smi"), _file(tmp_path, _chains(1000)[600:], "b.smi")]
    rows = _molecules(prepare(files, tmp_path / "s", PrepareSettings(properties=False, sample=100), seed=1))
    assert len(rows) == 100
    assert 20 < sum(row["file"] == "b.smi" for row in rows) < 60
    other = _molecules(prepare(files, tmp_path / "t", PrepareSettings(properties=False, sample=100), seed=2))
    assert {r["smiles"] for r in rows} != {r["smiles"] for r in other}
    first = _molecules(prepare(files, tmp_path / "l", PrepareSettings(properties=False, limit=650)))
    assert [(r["file"], r["line"]) for r in first[-2:]] == [("b.smi", 49), ("b.smi", 50)]


def test_stereo_and_fragments(tmp_path):
    path = _file(tmp_path, ["C[C@H](N)O", "C[C@@H](N)O", "CCO.CCCN"])
    kept = prepare([path], tmp_path / "kept", PLAIN)
    assert len(_molecules(kept)) == 3
    flat = prepare([path], tmp_path / "flat", PrepareSettings(properties=False, stereo="drop", largest_fragment=False))
    assert [row["smiles"] for row in _molecules(flat)] == ["CC(N)O"]
    assert [r["reason"] for r in _rejects(flat)] == ["duplicate", "several fragments"]


def test_truncated_input_is_used_and_told(tmp_path):
    data = gzip.compress("\n".join(_chains(3000)).encode())
    path = tmp_path / "in.smi.gz"
    path.write_bytes(data[: len(data) // 2])
    for _ in range(2):  # also when the output is there already
        with pytest.raises(PartialError, match=r"in.smi.gz: the compressed file ends too early"):
            prepare([path], tmp_path / "out", PLAIN)
    assert len(_molecules(tmp_path / "out")) > 100


def test_finished_output_is_kept_and_others_are_refused(tmp_path):
    path = _file(tmp_path, ["CCO", "CCN"])
    out = prepare([path], tmp_path / "out", PLAIN)
    before = (out / "molecules.parquet").stat().st_mtime_ns
    assert prepare([path], out, PLAIN, workers=2) == out
    assert (out / "molecules.parquet").stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match="stereo: 'keep' there, 'drop' asked for"):
        prepare([path], out, PrepareSettings(properties=False, stereo="drop"))
    path.write_text("CCC\n")
    with pytest.raises(ArtifactError, match=r"input in.smi has changed"):
        prepare([path], out, PLAIN)


def test_nothing_left_is_an_error_without_output(tmp_path):
    with pytest.raises(InputError, match="no molecule is left of 2 rows; 2 of them: SMILES syntax"):
        prepare([_file(tmp_path, ["x(", "y("])], tmp_path / "out", PLAIN)
    assert [p.name for p in tmp_path.iterdir()] == ["in.smi"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stero": "drop"}, "unknown key 'stero' (did you mean 'stereo'?"),
        ({"min_heavy_atoms": 0}, "min_heavy_atoms = 0: input should be greater than or equal to 1"),
        ({"min_heavy_atoms": 9, "max_heavy_atoms": 3}, "min_heavy_atoms 9 is above max_heavy_atoms 3"),
        ({"fractions": {"train": 0.5}}, "the fractions sum to 0.5, not 1"),
        ({"fractions": {"tran": 1}}, "'tran' is not a split (did you mean 'train'?"),
        ({"elements": ["C", "Xx"]}, "'Xx' is not an element"),
        ({"split": "murcko"}, "input should be 'random', 'scaffold', 'column' or 'files'"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(SettingsError) as error:
        PrepareSettings.parse(values)
    assert message in str(error.value)


def _run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["molgen", *arguments])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        main()
    signal.signal(signal.SIGTERM, before)
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def test_command_line(tmp_path, monkeypatch, capsys):
    path, out = str(_file(tmp_path, ["CCO", "CCN", "zzz"])), str(tmp_path / "out")
    code, printed, _ = _run(monkeypatch, capsys, "prepare", path, "--out", out, "--workers", "1", "--no-properties")
    assert code == 0
    assert "2 molecules of 3 rows" in printed
    assert "1 rejected: SMILES syntax" in printed
    code, _, error = _run(monkeypatch, capsys, "prepare", str(tmp_path / "none.smi"), "--out", out)
    assert (code, error) == (2, f"molgen: {tmp_path / 'none.smi'}: no such file; check the path\n")
    code, _, error = _run(monkeypatch, capsys, "prepare", path, "--out", out, "--set", "stero=drop")
    assert code == 2
    assert "did you mean 'stereo'?" in error
    code, _, error = _run(monkeypatch, capsys, "prepare", path, "--out", f"{out}2", "--smiles-column", "x")
    assert code == 2
    assert "has no column names" in error
    code, printed, _ = _run(monkeypatch, capsys, "data", "list")
    assert code == 0
    assert "1,936,962" in printed


def _start(source: Path, out: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-c",
        "from molgen.cli.main import main; main()",
        "prepare",
        str(source),
        "--out",
        str(out),
        "--workers",
        "2",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(out.parent.glob(".out.*.part/molecules.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
        assert process.poll() is None
    return process


def test_killed_and_started_again(tmp_path):
    source = _file(tmp_path, _chains(1600))
    process = _start(source, tmp_path / "out")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out").exists()
    again = prepare([source], tmp_path / "out", workers=2)
    whole = prepare([source], tmp_path / "whole", workers=2)
    assert fingerprint(again) == fingerprint(whole)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.smi", "out", "whole"]


def test_a_run_that_goes_on_cleans_only_what_is_not_done(tmp_path, monkeypatch):
    """Stopped after each few chunks, over two files with repeats and rejects: the files of an undisturbed run."""
    lines = _chains(300)
    one = _file(tmp_path, [*lines, "nonsense", "", *lines[:50]], "one.smi")
    two = _file(tmp_path, [*lines[100:200], "C[Fe]", *(f"{chain}Cl" for chain in _chains(90))], "two.smi")
    monkeypatch.setattr("molgen.data.prepare.CHUNK", 30)
    whole = prepare([one, two], tmp_path / "whole")
    cleaned, left = [], [0]

    def counted(chunk, **named):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        cleaned.append(len(chunk.rows))
        return clean(chunk, **named)

    monkeypatch.setattr("molgen.data.prepare.clean", counted)
    monkeypatch.setattr("molgen.data.kept.SECONDS", 0.0)  # a block a chunk
    for _ in range(20):
        left[0] = 3
        with contextlib.suppress(KeyboardInterrupt):
            prepare([one, two], tmp_path / "out")
            break
    assert fingerprint(tmp_path / "out") == fingerprint(whole)
    assert sum(cleaned) == 300 + 1 + 50 + 100 + 1 + 90  # nothing twice
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.smi", "out", "two.smi", "whole"]


def test_files_in_another_order_are_another_table(tmp_path):
    one, two = _file(tmp_path, ["CCO", "CCN"], "one.smi"), _file(tmp_path, ["CCO", "CCC"], "two.smi")
    out = prepare([one, two], tmp_path / "out")
    with pytest.raises(ArtifactError, match="files"):
        prepare([two, one], out)


def test_interrupted(tmp_path):
    source = _file(tmp_path, _chains(1600) * 20)
    process = _start(source, tmp_path / "out")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.decode().splitlines()[-1] == "molgen: interrupted; run the same command again"
    assert [p.name for p in tmp_path.iterdir()] == ["in.smi"]


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 16 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disk(tmp_path, tiny_disk, monkeypatch, capsys):
    source = _file(tmp_path, _chains(4000))
    code, _, error = _run(
        monkeypatch,
        capsys,
        "prepare",
        str(source),
        "--out",
        str(tiny_disk / "out"),
        "--workers",
        "1",
        "--no-properties",
    )
    assert code == 1
    assert "disk is full" in error
    assert list(tiny_disk.iterdir()) == []
