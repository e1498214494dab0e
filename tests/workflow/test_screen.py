"""The screening workflow: its plan, refusals, and one tiny real run that equals one call of the verb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from molgen.core.errors import MolgenError
from molgen.scoring.objective import Objective
from molgen.screening.screen import ScreenSettings, screen
from workflows.screening import checked, numbers

ROOT = Path(__file__).parents[2]
FILE = "workflows/screen.smk"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def config(tmp_path: Path, molecules: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of three shards, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "objective.yaml").write_text("components: [{type: fsp3}]\nfilters: {MW: {max: 200}}\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.smi").write_text("".join(f"{s}\n" for s in [*molecules[:80], "garbage"]))
    (tmp_path / "lib" / "b.smi").write_text("".join(f"{s}\n" for s in molecules[40:120]))
    values = {"run": "r", "library": ["lib/*.smi"], "objective": "objective.yaml", "top": 5, "threads": 1}
    size = sum(path.stat().st_size for path in (tmp_path / "lib").iterdir())
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**values, "screen": {"chunk": 20}, "shard_megabytes": size / 3 / 1e6}))
    return file


@pytest.mark.parametrize("profile", ["local", "slurm"])
def test_the_plan_has_a_job_a_shard_and_reads_nothing(snakemake, config, profile):
    options = ["--workflow-profile", str(ROOT / "workflows" / "profiles" / profile), "--configfile", str(config)]
    done = snakemake(*options, "-n", "--executor", "dryrun", folder=config.parent, file=FILE)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert next(line.split() for line in said.splitlines() if line.startswith("shard "))[1] == "3"
    assert not (config.parent / "results").exists()


def test_lint_is_clean(snakemake, config):
    done = snakemake("--lint", "--configfile", str(config), folder=config.parent, file=FILE)
    assert done.returncode == 0, done.stderr


def test_a_run_gives_what_one_call_gives(snakemake, config, tmp_path):
    done = snakemake("--configfile", str(config), "--cores", "1", folder=tmp_path, file=FILE)
    assert done.returncode == 0, done.stderr
    files = [tmp_path / "lib" / "a.smi", tmp_path / "lib" / "b.smi"]
    screen(files, Objective.read(tmp_path / "objective.yaml"), tmp_path / "whole", top=5, settings=ScreenSettings())
    for name in ("candidates.parquet", "rejects.parquet", "summary.json"):
        assert (tmp_path / "results" / "r" / "screened" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert json.loads((tmp_path / "whole" / "summary.json").read_text())["rejects"] == {"SMILES syntax": 1}
    again = snakemake("--configfile", str(config), "-n", folder=tmp_path, file=FILE)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_shards_follow_from_the_sizes_of_the_files(config, tmp_path):
    values = checked(yaml.safe_load(config.read_text()))
    assert values["library"] == ["lib/a.smi", "lib/b.smi"]
    assert numbers(values) == ([1, 2, 3], 3)
    assert numbers({**values, "shard_megabytes": 1000}) == ([1], 1)
    (tmp_path / "lib" / "a.smi").rename(tmp_path / "lib" / "a.csv")  # not cut: it is all in the first shard
    assert numbers({**values, "library": ["lib/a.csv", "lib/b.smi"]}) == ([1, 2, 3], 3)
    assert numbers({**values, "library": ["lib/a.csv"], "shard_megabytes": 1e-4})[0] == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"libary": []}, "unknown key 'libary' (did you mean 'library'?"),
        ({"library": ["none/*.smi"]}, "library: none/*.smi: no such file"),
        ({"screen": {"diversty": "none"}}, "screen: unknown key 'diversty' (did you mean 'diversity'?"),
        ({"top": 0}, "top = 0: expected is a whole number from 1"),
        ({"objective": "none.yaml"}, "none.yaml: cannot be read"),
    ],
)
def test_refusals_are_one_line(config, change, message):
    with pytest.raises(MolgenError) as error:
        checked({**yaml.safe_load(config.read_text()), **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_shipped_configuration_passes(monkeypatch, tmp_path):
    values = yaml.safe_load((ROOT / "workflows/config/screen/zinc250k.yaml").read_text())
    (tmp_path / "zinc").mkdir()
    (tmp_path / "zinc" / "zinc250k.smi").write_text("CCO\n")
    monkeypatch.chdir(tmp_path)
    assert checked({**values, "objective": str(ROOT / values["objective"])})["run"] == "screen-zinc250k"
