"""Plans and costs: arithmetic by hand, rates of a run, and the shipped configurations."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from molgen.cli.main import main
from molgen.core.errors import InputError, MolgenError
from molgen.core.settings import read_yaml
from molgen.planning.plan import plan, requests
from molgen.planning.rates import SHIPPED, of_run, shipped, used
from molgen.planning.work import (
    DRAWS,
    DRAWS_A_JOB,
    DRAWS_COMPARED,
    DRAWS_GUIDED,
    HELD_OUT,
    MOLECULES,
    MOVES,
    MOVES_FROM,
    SIZES,
    TEST_SHARE,
    work_of,
)
from molgen.training.settings import TrainingSettings

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
CONFIG = {
    "run": "r",
    "data": "zinc250k",
    "prepare": {"sample": 36_000},
    "families": {"smiles": {"training": {"molecules": 860_400}, "sample": {"n": 4_490}}},
    "objective": "o.yaml",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(CONFIG))
    return file


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose training took 100 s and 200 core seconds, drawn from in two shards."""
    folder = tmp_path / "run"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "run.yaml").write_text(yaml.safe_dump(CONFIG))
    lines = {
        "train.smiles": (100, 200),
        "sample.smiles.0-2": (10, 20),
        "sample.smiles.2-4": (12, 25),
        "rank": (1, "NA"),
    }
    for name, (wall, core) in lines.items():
        row = f"{wall}\t0:00:01\t400\t1\t1\t300\t0\t0\t50\t{core}\n"
        (folder / "benchmarks" / f"{name}.tsv").write_text(HEADER + row)
    return folder


def test_the_defaults_are_those_of_the_code() -> None:
    schema = read_yaml(Path("workflows/config/schema.yaml"))["properties"]["sample"]["properties"]
    assert schema["n"]["default"] == DRAWS
    assert schema["shard"]["default"] == DRAWS_A_JOB
    assert TrainingSettings().molecules == MOLECULES
    from molgen.data.prepare_settings import PrepareSettings
    from molgen.evaluate import evaluate
    from molgen.generators import family
    from molgen.steering import SteerSettings

    assert SteerSettings(condition={"logP": 2.0}).n == DRAWS_GUIDED
    assert SteerSettings(condition={"logP": 2.0}).guidance == (1.0,)
    assert evaluate.EvaluateSettings().limit == DRAWS_COMPARED
    assert evaluate.HELD_OUT == HELD_OUT
    assert PrepareSettings().fractions["test"] == TEST_SHARE
    for name, (layers, width) in SIZES.items():
        defaults = family(name).Config()
        assert (defaults.layers, defaults.width) == (layers, width)
        drawing = family(name).Drawing()
        assert getattr(drawing, "moves", 0) == MOVES.get(name, 0)
    assert family("graph-diffusion").Drawing().moves_from == MOVES_FROM


def test_an_estimate_is_units_by_rate(config: Path) -> None:
    found = {one.work.name: one for one in plan(config, cores=4)}
    of_a_family = [f"{stage}.smiles" for stage in ("train", "sample", "score", "evaluate")]
    assert list(found) == ["fetch", "prepare", "featurize", *of_a_family, "rank", "compare", "report"]
    assert found["prepare"].core_hours == pytest.approx(36_000 / 1200 / 3600)
    assert found["train.smiles"].core_hours == pytest.approx(1.0)  # 860,400 at 239/s, 3,600 seconds
    assert found["sample.smiles"].seconds == pytest.approx(10.0)
    assert found["score.smiles"].memory_mb == pytest.approx(683 * 2)
    assert found["train.smiles"].wall_hours == pytest.approx(0.5 + 30 / 3600)  # two cores keep it busy


@pytest.mark.parametrize(
    ("name", "drawing", "units"),
    [
        ("smiles", {}, 4 * 50),
        ("smiles", {"moves": 9}, 50 + 3 * 500),
        ("graph-vae", {}, 4 * 50),
        ("graph-vae", {"moves": 41}, 50 + 6 * 50),
        ("graph-diffusion", {"moves": 9, "moves_from": 0.75}, 50 + 150 + round(150 * 9 / 2)),  # half of its steps
        ("graph-diffusion", {"moves": 9, "moves_from": 0.75, "distortion": "none"}, 50 + 150 + round(150 * 9 / 4)),
    ],
)
def test_each_move_of_a_guided_walk_counts(config: Path, name: str, drawing: dict[str, int], units: int) -> None:
    guide = {"condition": {"logP": 2}, "guidance": [1, 2, 4], "n": 50}
    config.write_text(yaml.safe_dump(CONFIG | {"guide": guide, "families": {name: {"sample": drawing}}}))
    assert [one.units for one in work_of(config) if one.stage == "guide"] == [units]


def test_every_rule_has_a_plan(config: Path) -> None:
    config.write_text(yaml.safe_dump(CONFIG | {"guide": {"condition": {"logP": 2}, "guidance": [1, 2, 4], "n": 50}}))
    assert [one.units for one in work_of(config) if one.stage == "guide"] == [4 * 50]
    assert {one.stage for one in work_of(config)} == {file.stem for file in Path("workflows/rules").glob("*.smk")}


@pytest.mark.parametrize(
    ("change", "units"),
    [
        ({}, 4_490 + 4_490 + 3_600),  # draws, as many of the training set, a tenth held out
        ({"evaluate": {"limit": 1_000, "reference_limit": 500}}, 1_000 + 1_000 + 500),
        ({"evaluate": {"floor": False}}, 4_490 + 3_600),
        ({"prepare": {"fractions": {"train": 0.5, "test": 0.5}}}, 4_490 + 4_490 + 124_728),
        ({"data": "moses", "prepare": {"split": "files"}}, 4_490 + 4_490 + 176_074 + 176_225),
    ],
)
def test_an_evaluation_looks_at_draws_and_at_what_they_are_compared_with(
    config: Path, change: dict[str, object], units: int
) -> None:
    config.write_text(yaml.safe_dump({**CONFIG, **change}))
    (work,) = [one for one in work_of(config) if one.stage == "evaluate"]
    assert work.units == units


def test_measures_that_were_not_timed_have_no_estimate(config: Path) -> None:
    config.write_text(yaml.safe_dump({**CONFIG, "evaluate": {"further": "all"}}))
    found = {one.work.name: one for one in plan(config, cores=4)}
    assert found["evaluate.smiles"].core_hours is None


def test_a_larger_network_costs_in_proportion(config: Path) -> None:
    wide = {"smiles": {**CONFIG["families"]["smiles"], "model": {"width": 512}}}
    config.write_text(yaml.safe_dump({**CONFIG, "families": wide}))
    found = {one.work.name: one for one in plan(config, cores=4)}
    assert found["train.smiles"].core_hours == pytest.approx(4.0)


def test_what_was_not_measured_is_not_estimated(config: Path) -> None:
    config.write_text(yaml.safe_dump({**CONFIG, "gpus": 1}))
    found = {one.work.name: one for one in plan(config, cores=4)}
    assert found["train.smiles"].core_hours is found["train.smiles"].gpu_hours is None
    assert found["train.smiles"].without_gpu == pytest.approx(1.0)
    assert "runtime" not in found["train.smiles"].request()
    assert "train" not in requests(list(found.values()))


def test_a_run_gives_the_rates_of_its_machine(run: Path, config: Path) -> None:
    took = used(run)
    assert took["sample.smiles"].jobs == 2
    assert took["sample.smiles"].core_seconds == 45
    assert took["rank"].core_seconds == 1  # of a job too short to be measured: its time
    assert of_run(run)["train.smiles"].rate == pytest.approx(860_400 / 200)
    found = {one.work.name: one for one in plan(config, cores=4, like=run)}
    assert found["train.smiles"].core_hours == pytest.approx(200 / 3600)
    assert found["train.smiles"].memory_mb == 300


def test_a_run_on_gpus_gives_gpu_hours(run: Path, config: Path) -> None:
    on_two = yaml.safe_dump({**CONFIG, "gpus": 2})
    (run / "run.yaml").write_text(on_two)
    config.write_text(on_two)
    found = {one.work.name: one for one in plan(config, cores=4, like=run)}
    assert found["train.smiles"].gpu_hours == pytest.approx(2 * 100 / 3600)
    assert found["train.smiles"].wall_hours == pytest.approx((100 + 30) / 3600)


def test_each_shipped_rate_says_where_it_comes_from() -> None:
    for name, rate in shipped().items():
        page = rate.at.split()[0]
        assert Path(page).is_file(), name
    assert "No GPU" in SHIPPED.read_text()


@pytest.mark.parametrize("file", sorted(Path("workflows/config").glob("[!s]*.yaml")), ids=lambda p: p.stem)
def test_shipped_configurations_have_a_plan(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _molgen("plan", str(file)) == 0
    said = capsys.readouterr().out
    assert said.startswith("Estimates")
    wish = yaml.safe_load(said[said.index("set-resources:") :])
    assert wish["set-resources"]["prepare"]["runtime"] >= 10


def test_a_run_is_compared_with_its_plan(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _molgen("cost", str(run)) == 0
    line = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("train.smiles"))
    assert line[1:6] == ["1", "0.028", "0.056", "1.000", "0.06"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: nothing\n", "`data` and `families` are expected"),
        ("families: {smiles: {}}\ndata: zinc25k\n", "did you mean"),
    ],
)
def test_what_is_no_configuration_is_refused(config: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises(MolgenError, match=message):
        work_of(config)


def test_files_are_counted_by_their_size(tmp_path: Path, config: Path) -> None:
    (tmp_path / "a.smi").write_text("C" * 44 + "\n" + "C" * 44 + "\n")
    config.write_text(yaml.safe_dump({**CONFIG, "data": [str(tmp_path / "a.smi")], "prepare": {}}))
    assert work_of(config)[0].units == 2
    config.write_text(yaml.safe_dump({**CONFIG, "data": [str(tmp_path / "none.smi")]}))
    with pytest.raises(InputError, match="no such file"):
        work_of(config)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder of a run"):
        used(tmp_path)


def _molgen(*words: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["molgen", *words])
        with pytest.raises(SystemExit) as caught:
            main()
    return caught.value.code
