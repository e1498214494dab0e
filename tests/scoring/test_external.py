"""External programs that behave, crash, hang, and answer nonsense."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgen.scoring.external import External, ExternalSettings

MOLECULES = [Chem.MolFromSmiles("C" * n) for n in range(1, 9)]
SIZES = [float(n) for n in range(1, 9)]


def scorer(tmp_path: Path, program: str, **settings: object) -> External:
    file = tmp_path / "program.py"
    file.write_text("import sys, time\n" + program)
    values = {"name": "x", "type": "external", "command": [sys.executable, str(file)], "timeout": 60, **settings}
    return External(ExternalSettings.parse(values))


def test_it_is_started_once_for_many_batches(tmp_path: Path) -> None:
    marks = tmp_path / "starts"
    program = f"open({str(marks)!r}, 'a').write('x')\nfor line in sys.stdin: print(len(line) - 1, flush=True)"
    found = scorer(tmp_path, program, batch=3)
    np.testing.assert_array_equal(found.score(MOLECULES), SIZES)
    np.testing.assert_array_equal(found.score(MOLECULES[::-1]), SIZES[::-1])
    found.close()
    assert marks.read_text() == "x"


def test_nonsense_is_no_value(tmp_path: Path) -> None:
    program = "for line in sys.stdin: print({1: 'nan', 2: 'high', 3: 'inf', 4: ''}.get(len(line) - 1, 7), flush=True)"
    np.testing.assert_array_equal(scorer(tmp_path, program).score(MOLECULES[:5]), [np.nan] * 4 + [7])


CRASHES = "for line in sys.stdin:\n    if len(line) == 3: sys.exit(1)\n    print(len(line) - 1, flush=True)"


def test_a_crash_costs_the_molecule_that_caused_it(tmp_path: Path) -> None:
    found = scorer(tmp_path, CRASHES, batch=4).score(MOLECULES)
    np.testing.assert_array_equal(found, [1, np.nan, 3, 4, 5, 6, 7, 8])


def test_a_crash_without_retries_costs_what_was_not_answered(tmp_path: Path) -> None:
    found = scorer(tmp_path, CRASHES, batch=4, retries=0).score(MOLECULES)
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, np.nan, 5, 6, 7, 8])


def test_a_program_that_answers_a_batch_at_once_loses_one_molecule_too(tmp_path: Path) -> None:
    program = """import os
while True:
    lines = os.read(0, 65536).decode().split()
    if not lines or 'CC' in lines: sys.exit(1)
    print(*map(len, lines), sep='\\n', flush=True)"""
    found = scorer(tmp_path, program, batch=4).score(MOLECULES)
    np.testing.assert_array_equal(found, [1, np.nan, 3, 4, 5, 6, 7, 8])


def test_a_crash_that_passes_costs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "crashed"
    program = f"""import pathlib
mark = pathlib.Path({str(mark)!r})
for line in sys.stdin:
    if len(line) == 3 and not mark.exists(): mark.touch(); sys.exit(1)
    print(len(line) - 1, flush=True)"""
    np.testing.assert_array_equal(scorer(tmp_path, program, batch=4).score(MOLECULES), SIZES)


@pytest.mark.parametrize(("retries", "starts"), [(0, 4), (2, 6)])
def test_a_program_that_cannot_work_gives_no_values_and_is_not_started_for_ever(
    tmp_path: Path, retries: int, starts: int
) -> None:
    marks = tmp_path / "starts"
    program = f"open({str(marks)!r}, 'a').write('x')\nraise SystemExit('no licence')"
    found = scorer(tmp_path, program, batch=2, retries=retries).score(MOLECULES)
    assert np.isnan(found).all()
    assert len(marks.read_text()) == starts  # four batches; second starts in the first of them alone


def test_a_hang_ends_with_the_timeout(tmp_path: Path) -> None:
    program = "for line in sys.stdin:\n    if len(line) == 3: time.sleep(600)\n    print(len(line) - 1, flush=True)"
    start = time.monotonic()
    found = scorer(tmp_path, program, batch=4, timeout=2).score(MOLECULES)
    assert time.monotonic() - start < 30
    np.testing.assert_array_equal(found, [1, np.nan, 3, 4, 5, 6, 7, 8])


def test_more_than_a_pipe_holds_does_not_block(tmp_path: Path) -> None:
    program = "for line in list(sys.stdin.readline() for _ in range(3000)): print(len(line) - 1, flush=True)"
    many = [Chem.MolFromSmiles("C" * 50)] * 3000
    assert (scorer(tmp_path, program, batch=3000).score(many) == 50).all()


def test_a_command_line_is_split_like_a_shell_does() -> None:
    settings = ExternalSettings.parse({"name": "x", "type": "external", "command": f"{sys.executable} -c 'a b'"})
    assert settings.command == (sys.executable, "-c", "a b")


@pytest.mark.parametrize("timeout", [0, -1])
def test_timeouts_are_positive(timeout: float) -> None:
    with pytest.raises(Exception, match="timeout"):
        ExternalSettings.parse({"name": "x", "type": "external", "command": sys.executable, "timeout": timeout})
