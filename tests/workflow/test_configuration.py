"""The workflow's configuration: defaults, refusals in one line, and settings as options of a shell command."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgen.core.errors import MolgenError, SettingsError
from molgen.core.settings import Settings, read_yaml
from workflows.configuration import CHUNK, checked, drawing, drawn, options, shards, training
from workflows.resources import grows, without_gpus

CONFIGS = sorted(p for p in Path("workflows/config").glob("*.yaml") if (read_yaml(p)).get("run"))
OBJECTIVE = "workflows/config/objectives/druglike.yaml"
SMALLEST = {"run": "r", "data": "zinc250k", "families": {"smiles": None}, "objective": "o.yaml"}


def test_defaults_are_filled_in():
    full = checked(SMALLEST, stages=False)
    assert full["seed"] == 0
    assert full["gpus"] == 0
    assert full["sample"] == {"n": 10000, "shard": 102400}
    assert full["nodes"] == 1
    assert full["families"] == {"smiles": {}}


def test_the_given_configuration_is_left_as_it_was():
    given_values = {**SMALLEST, "sample": {}}
    checked(given_values, stages=False)
    assert given_values["sample"] == {}


@pytest.mark.parametrize("file", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configurations_pass(file):
    config = checked(read_yaml(file))
    assert config["run"] == file.stem
    assert Path(config["objective"]).is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"famlies": {}}, "unknown key 'famlies' (did you mean 'families'?"),
        ({"sample": {"m": 3}}, "unknown key 'sample.m' (known: n, shard)"),
        ({"seed": -1}, "seed = -1: expected is a whole number from 0"),
        ({"run": "../elsewhere"}, "run = '../elsewhere': expected is a name"),
        ({"data": []}, "data = []: expected is a name of `molgen data list`"),
        ({"families": {}}, "families = {}: expected are the generators"),
        ({"sample": {"n": "many"}}, "sample.n = 'many': expected is a whole number from 1"),
        ({"guide": {"condition": {"lopP": 2}}}, "guide: 'lopP' is no property (did you mean 'logP'?"),
        ({"guide": {"condition": {"logP": 2}}}, "smiles does not learn logP; add to families.smiles.model.conditions"),
        ({"guide": {"condition": {"logP": 2}, "families": ["ngram"]}}, "guide.families: 'ngram' is not trained"),
        ({"guide": {"condition": {"logP": 2}}, "families": {"ngram": {}}}, "guide: none of the families can be asked"),
        (
            {"guide": {"condition": {"logP": 2}, "families": ["hmm"]}, "families": {"smiles": {}, "hmm": {}}},
            "guide.families: hmm cannot be asked for properties; graph-diffusion, graph-vae, smiles can",
        ),
        ({"families": {"smiles": {"sample": {"n": 0}}}}, "families.smiles.sample.n = 0: expected is a whole number"),
    ],
)
def test_a_refusal_is_one_line_with_the_key_and_what_is_allowed(change, message):
    with pytest.raises(SettingsError) as error:
        checked({**SMALLEST, **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prepare": {"sampel": 1}}, "prepare: unknown key 'sampel' (did you mean 'sample'?"),
        ({"rank": {"pool": 0}}, "rank: pool = 0: "),
        ({"evaluate": {"limt": 1}}, "evaluate: unknown key 'limt' (did you mean 'limit'?"),
        ({"families": {"smile": {}}}, "families.smile: unknown family (did you mean 'smiles'?"),
        ({"families": {"smiles": {"training": {"molecule": 1}}}}, "unknown key 'training.molecule' (did you mean"),
        ({"families": {"smiles": {"model": {"widht": 1}}}}, "unknown key 'widht' (did you mean 'width'?"),
        ({"families": {"smiles": {"start": "nowhere"}}}, "nowhere: no such model"),
        ({"families": {"smiles": {"sample": {"steps": 2}}}}, "families.smiles.sample: unknown key 'steps'"),
        ({"families": {"graph-diffusion-guide": {}}}, "families.graph-diffusion-guide: unknown family"),
        ({"families": {"smiles": {"adapter": {"rank": 8}}}}, "adapters change a trained model; name it as start"),
        ({"data": "zinc25k"}, "data set 'zinc25k' is unknown (did you mean 'zinc250k'?"),
        ({"objective": "none.yaml"}, "none.yaml: cannot be read"),
    ],
)
def test_what_a_stage_would_refuse_is_refused_before_anything_runs(change, message):
    with pytest.raises(MolgenError) as error:
        checked({**SMALLEST, "objective": OBJECTIVE, **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_family_can_be_drawn_from_in_its_own_way():
    own = {"model": {"width": 64}, "sample": {"n": 300, "steps": 20, "shard": 100}}
    config = checked({**SMALLEST, "families": {"graph-diffusion": own, "smiles": None}, "objective": OBJECTIVE})
    assert drawn(config, "graph-diffusion") == {"n": 300, "steps": 20, "shard": 100}
    assert drawing(config, "graph-diffusion") == {"steps": 20}
    assert drawn(config, "smiles")["n"] == 10000
    assert drawing(config, "smiles") == {}
    assert training(own) == {"model": {"width": 64}}


def test_draws_are_cut_into_shards_that_stay_when_there_are_more():
    def of(n: int, **sample: object) -> list[str]:
        return shards({"sample": {"n": n, "shard": 4000, **sample}, "families": {"smiles": {}}}, "smiles")

    assert of(100) == ["00000000-00000100"]
    assert of(4096) == ["00000000-00004096"]
    assert of(10_000) == ["00000000-00004096", "00004096-00008192", "00008192-00010000"]
    assert set(of(10_000)[:2]) <= set(of(20_000))
    assert of(10_000, beam=True) == ["00000000-00010000"]


def test_shards_are_cut_where_the_verb_cuts():
    from molgen import sampling

    assert sampling.CHUNK == CHUNK


def test_resources_grow_with_the_attempts_up_to_three_times():
    assert [grows(8000)(None, attempt=attempt) for attempt in (1, 2, 3, 7)] == [8000, 16000, 24000, 24000]


def test_without_gpus_no_rule_asks_for_their_partition():
    wishes = {
        "train": {"gpu_model": "h100", "slurm_partition": "gpu", "runtime": 720},
        "rank": {"slurm_partition": "x"},
    }
    assert without_gpus(wishes) == {"train": {"runtime": 720}, "rank": {"slurm_partition": "x"}}


@pytest.mark.parametrize("key", ["run", "data", "families", "objective"])
def test_a_missing_key_is_named(key):
    with pytest.raises(SettingsError, match=f"key '{key}' is missing"):
        checked({k: v for k, v in SMALLEST.items() if k != key})


class Model(Settings):
    width: int = 0
    name: str = ""


class Two(Settings):
    model: Model = Model()
    rate: float = 0.0
    flag: bool = False
    atoms: list[str] | None = None


@given(
    st.builds(
        Two,
        model=st.builds(
            Model, width=st.integers(), name=st.text(st.characters(codec="ascii", exclude_categories=["C"]))
        ),
        rate=st.floats(allow_nan=False, allow_infinity=False),
        flag=st.booleans(),
        atoms=st.none() | st.lists(st.sampled_from(["C", "Br", "a b", "$HOME", "it's"])),
    )
)
def test_settings_survive_the_shell_and_the_verb(settings):
    words = shlex.split(options(settings.values()))
    assert words[::2] == ["--set"] * (len(words) // 2)
    assert Two.load(None, words[1::2]) == settings
