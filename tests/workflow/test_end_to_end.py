"""The whole workflow, for real, on a few hundred molecules; then again, and after a change."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from molgen.core import tables

pytestmark = pytest.mark.timeout(600)

CONFIG = {
    "run": "tiny",
    "data": ["raw.smi"],
    "prepare": {"fractions": {"train": 0.6, "valid": 0.2, "test": 0.2}},
    "families": {
        "smiles": {
            "model": {"width": 32, "layers": 1, "heads": 2},
            "training": {"molecules": 4000, "batch_size": 64, "validation_molecules": 50, "learning_rate": 1e-2},
        }
    },
    "sample": {"n": 100},
    "objective": "objective.yaml",
    "rank": {"top": 5, "diversity": "maxmin"},
}
FILES = ("report.html", "candidates.sdf", "candidates.csv", "candidates.parquet", "run.yaml", "metrics/smiles.json")


@pytest.fixture(scope="module")
def run(snakemake, molecules, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a whole run has just finished."""
    folder = tmp_path_factory.mktemp("workflow")
    (folder / "raw.smi").write_text("\n".join([*molecules, "not-a-molecule"]) + "\n")
    (folder / "objective.yaml").write_text("components: [{type: QED}]\n")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    done = snakemake("--configfile", "config.yaml", "--cores", "2", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "results/tiny/report.html" in done.stdout + done.stderr
    return folder


def test_everything_a_run_promises_is_there(run):
    made = run / "results" / "tiny"
    assert [name for name in FILES if not (made / name).is_file()] == []
    assert yaml.safe_load((made / "run.yaml").read_text())["gpus"] == 0
    assert tables.read(made / "samples" / "smiles.parquet", tables.SAMPLES).num_rows == 100
    candidates = tables.read(made / "candidates.parquet", tables.CANDIDATES)
    known = set(tables.read(made / "molecules" / "molecules.parquet")["smiles"].to_pylist())
    assert 0 < candidates.num_rows <= 5
    assert not known & set(candidates["smiles"].to_pylist())
    rejects = tables.read(made / "molecules" / "rejects.parquet", tables.REJECTS)["input"].to_pylist()
    assert "not-a-molecule" in rejects


@pytest.mark.parametrize(
    "stage", ["prepare", "featurize", "train.smiles", "sample.smiles.00000000-00000100", "score.smiles", "report"]
)
def test_each_stage_has_a_log_and_a_benchmark(run, stage):
    assert (run / "results" / "tiny" / "logs" / f"{stage}.log").stat().st_size > 0
    assert "max_rss" in (run / "results" / "tiny" / "benchmarks" / f"{stage}.tsv").read_text()


def test_nothing_is_to_be_done_afterwards(run, snakemake):
    done = snakemake("--configfile", "config.yaml", "-n", folder=run)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_changed_setting_reruns_what_depends_on_it_and_no_more(run, snakemake):
    (run / "changed.yaml").write_text(yaml.safe_dump({**CONFIG, "rank": {"top": 4}}))
    done = snakemake("--configfile", "changed.yaml", "-n", "-q", "rules", folder=run)
    said = done.stdout + done.stderr
    assert "\nrank " in said
    assert "\nreport " in said
    assert "\nscore " not in said
    assert "\ntrain " not in said
