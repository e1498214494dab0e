"""A full disk: every verb ends with one line and code 1, and what it could not finish is gone.

One process runs all verbs on a file system of a few pages, in a mount namespace of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROGRESS, TINY

LEFT_OUT = "too long for it"  # a note of `train` on molecules that the model cannot read

LINES = {
    "data": "data fetch zinc250k --out small/out",
    "prepare": "prepare run/known.smi --out small/out --workers 1",
    "featurize": "featurize run/molecules --out small/out --workers 1",
    "train": f"train smiles --features run/features --out small/out {TINY} --set training.molecules=64",
    "sample": "sample run/models/smiles --n 2000 --out small/out.parquet",
    "score": "score run/known.smi --objective run/objective.yaml --out small/out.parquet",
    "screen": "screen run/known.smi --objective run/objective.yaml --out small/out --workers 1",
    "rank": "rank run/scored/smiles.parquet --top 300 --out small/out.parquet",
    "neighbors": "neighbors CCO --library run/known.smi --index small/out",
    "cluster": "cluster run/known.smi --out small/out.parquet",
    "evaluate": "evaluate run/known.smi --reference run/molecules --out small/out.json --workers 1",
    "report": "report run --out small/out.html --workers 1",
}
RUN_ALL = """
import contextlib, io, json, shutil, sys
from pathlib import Path
from molgen.cli.main import main
found = {}
for verb, line in json.loads(sys.argv[1]).items():
    sys.argv, said = ["molgen", *line.split()], io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            code = repr(error)
    found[verb] = [code, said.getvalue(), sorted(p.name for p in Path("small").iterdir())]
    for path in Path("small").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def ended(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Exit code, stderr and what is left on the small disk, by verb."""
    place = tmp_path_factory.mktemp("disk")
    (place / "run").symlink_to(chain)
    (place / "small").mkdir()
    script = 'mount -t tmpfs -o size=4k tmpfs small || exit 99; exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", RUN_ALL, json.dumps(LINES)], capture_output=True, text=True, cwd=place
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a small disk")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("verb", LINES)
def test_one_line_and_nothing_half_written(verb, ended):
    code, error, left = ended[verb]
    assert code == 1, error
    said = [line for line in error.splitlines() if line.strip() and not PROGRESS.fullmatch(line)]
    messages = [line for line in said if not line.endswith(LEFT_OUT)]
    assert len(messages) == 1, messages
    assert messages[0].startswith("molgen: ")
    assert "the disk is full" in messages[0]
    assert "run the same command again" in messages[0]
    # A training and a screen keep their work folder: they go on from there once there is room.
    assert [name for name in left if not name.startswith(".out.")] == []
    assert left == [] or verb in ("train", "screen")
