"""The workflow as Snakemake sees it: a clean lint, the jobs of a plan, and configurations that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "objective.yaml").write_text("components: [{type: QED}]\n")
    (tmp_path / "raw.smi").write_text("CCO\n")
    file = tmp_path / "config.yaml"
    file.write_text("run: r\ndata: [raw.smi]\nfamilies: {smiles: {}}\nobjective: objective.yaml\n")
    return file


def test_lint_is_clean(snakemake):
    done = snakemake("--lint", folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert "good condition" in done.stderr + done.stdout


def test_a_plan_has_each_stage_once_for_one_family(snakemake, config):
    done = snakemake("--configfile", str(config), "-n", "--quiet", "rules", folder=config.parent)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    for stage in ("prepare", "featurize", "train", "sample", "join", "score", "rank", "evaluate", "report"):
        assert f"\n{stage} " in said, stage
    assert "\nfetch " not in said  # the data are the user's own file


def test_a_dry_run_writes_nothing(snakemake, config):
    snakemake("--configfile", str(config), "-n", folder=config.parent)
    assert not (config.parent / "results").exists()


def test_likelihoods_are_measured_of_the_families_that_know_them(snakemake, config):
    config.write_text(config.read_text().replace("smiles: {}", "smiles: {}, combinatorial: {}"))
    done = snakemake("--configfile", str(config), "-n", "--printshellcmds", folder=config.parent)
    commands = [line for line in (done.stdout + done.stderr).splitlines() if "molgen evaluate" in line]
    assert {("combinatorial" in line, "--model results/r/models/smiles" in line) for line in commands} == {
        (False, True),
        (True, False),
    }
    assert not any("--model results/r/models/combinatorial" in line for line in commands)


def test_an_unknown_key_is_one_line(snakemake, config):
    done = snakemake("--configfile", str(config), "-n", "--config", "sead=1", folder=config.parent)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "molgen: workflow configuration: unknown key 'sead' (did you mean 'seed'?"
    )
    assert "Traceback" not in done.stderr


def test_wishes_are_a_job_of_each_family_that_can_be_asked(snakemake, config):
    families = "families: {smiles: {model: {conditions: [logP]}}, graph-vae: {}, ngram: {}}\n"
    wishes = "guide: {condition: {logP: 2.5}, within: {logP: [2, 3]}, guidance: [1, 2], n: 50}\n"
    config.write_text(config.read_text().replace("families: {smiles: {}}\n", families) + wishes)
    done = snakemake("--configfile", str(config), "-n", "--printshellcmds", folder=config.parent)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    jobs = [line for line in said.splitlines() if "molgen steer" in line]
    assert sorted(line.split("molgen steer ")[1].split()[0].split("/")[-1] for line in jobs) == ["graph-vae", "smiles"]
    assert all("--set condition.logP=2.5 --set 'within.logP=[2, 3]' --set 'guidance=[1, 2]'" in line for line in jobs)


def test_more_draws_are_more_jobs_of_the_same_sizes(snakemake, config):
    options = ["--configfile", str(config), "-n", "--quiet", "rules"]
    config.write_text(config.read_text() + "sample: {n: 10000, shard: 4096}\n")
    done = snakemake(*options, folder=config.parent)
    said = done.stdout + done.stderr
    assert next(line.split() for line in said.splitlines() if line.startswith("sample "))[1] == "3"


@pytest.mark.parametrize(("gpus", "asked"), [(0, False), (2, True)])
def test_gpus_are_asked_for_where_the_configuration_wants_them(snakemake, config, gpus, asked):
    options = ["--workflow-profile", str(ROOT / "workflows" / "profiles" / "slurm"), "--configfile", str(config)]
    done = snakemake(
        *options, "-n", "--executor", "dryrun", "--config", f"gpus={gpus}", "nodes=2", folder=config.parent
    )
    said = done.stdout + done.stderr
    train = next(line for line in said.split("rule train:")[1].splitlines() if "resources:" in line)
    assert (f"gpu={2 * gpus}" in train, "gpu_model=h100" in train, "slurm_partition=gpu" in train) == (
        True,
        asked,
        asked,
    )
    assert ("tasks=4" in train, "tasks_per_gpu=1" in train) == (asked, asked)
    assert "mpi=srun" in train


@pytest.mark.parametrize("profile", ["local", "slurm"])
def test_profiles_load(snakemake, profile, config):
    folder = ROOT / "workflows" / "profiles" / profile
    options = ["--workflow-profile", str(folder), "--configfile", str(config), "-n", "--executor", "dryrun"]
    done = snakemake(*options, folder=config.parent)
    assert done.returncode == 0, done.stderr
