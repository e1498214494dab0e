"""The workflow's configuration: checked against `config/schema.yaml`, completed, turned into options of the verbs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from molgen.core.artifacts import whole_file
from molgen.core.errors import SettingsError, nearest
from molgen.data.sources import data_set
from molgen.generators import ASKABLE, CONDITIONED

# Section -> the settings class of its stage, imported only where a run is planned (not again in each job).
STAGES = {
    "prepare": ("molgen.data.prepare_settings", "PrepareSettings"),
    "rank": ("molgen.rank", "RankSettings"),
    "evaluate": ("molgen.evaluate.evaluate", "EvaluateSettings"),
}
OF_THE_WORKFLOW = {"top"}  # keys of those sections that are the rule's own

OF_THE_GUIDE = {"families"}  # key of `guide` that says who is guided, not how
OF_A_DRAW = {"n", "shard"}  # keys of `sample` that say how many, not how
CHUNK = 2_048  # draws: what `molgen sample` makes at a time

SCHEMA = Path(__file__).parent / "config" / "schema.yaml"


def checked(config: Mapping[str, Any], *, stages: bool = True) -> dict[str, Any]:
    """The configuration with defaults filled in; a SettingsError in one line that names the key and what is allowed."""
    values = valid(config, SCHEMA)
    values["families"] = {name: settings or {} for name, settings in values["families"].items()}
    if stages:
        _check_stages(values)
    return values


def valid(config: Mapping[str, Any], schema_file: Path) -> dict[str, Any]:
    """The configuration with the schema's defaults filled in, or the SettingsError of its first problem."""
    schema = yaml.safe_load(schema_file.read_text(encoding="utf-8"))
    values = _completed(config, schema)
    # The problem nearest to the top is the cause; deeper ones may follow from it.
    problems = sorted(Draft202012Validator(schema).iter_errors(values), key=lambda e: (len(e.path), str(e.path)))
    if problems:
        raise SettingsError(f"workflow configuration: {_explained(problems[0])}")
    return values


def _check_stages(values: Mapping[str, Any]) -> None:
    """Refuses what a stage would refuse, hours before it would: its settings, the data set, the objective."""
    for section, (module, name) in STAGES.items():
        settings = {key: value for key, value in values[section].items() if key not in OF_THE_WORKFLOW}
        getattr(import_module(module), name).parse(settings, where=f"workflow configuration: {section}")
    run_settings = import_module("molgen.training.settings").RunSettings
    for family, settings in values["families"].items():
        where = f"workflow configuration: families.{family}"
        parsed = run_settings.parse(training(settings), where=where)
        _check_family(family, parsed.model, settings.get("sample", {}), where)
        if parsed.start is not None:
            folder = import_module("molgen.generators.folder")
            folder.read_config(folder.model_folder(parsed.start))
    if values["guide"]:
        _check_guide(values)
    raw_files(values["data"])
    import_module("molgen.scoring.objective").Objective.read(Path(values["objective"]))


def _check_family(family: str, model: Mapping[str, Any], sample: Mapping[str, Any], where: str) -> None:
    generators = import_module("molgen.generators")
    if family not in generators.FAMILIES:
        raise SettingsError(f"{where}: unknown family{nearest(family, generators.FAMILIES)}")
    wishes = {key: value for key, value in sample.items() if key not in OF_A_DRAW}
    if model or wishes:  # its class is dear to import, and without settings of its own there is nothing to check
        kind = generators.family(family)
        kind.Config.parse(model, where=f"{where}.model")
        kind.Drawing.parse(wishes, where=f"{where}.sample")


def _check_guide(values: Mapping[str, Any]) -> None:
    """Refuses wishes that make no sense, and families that cannot be asked for them."""
    where = "workflow configuration: guide"
    wishes = import_module("molgen.steering").SteerSettings.parse(_wishes(values), where=where).wishes()
    can = ", ".join(sorted(ASKABLE))
    for family in values["guide"].get("families", []):
        if family not in values["families"]:
            raise SettingsError(f"{where}.families: {family!r} is not trained{nearest(family, values['families'])}")
        if family not in ASKABLE:
            raise SettingsError(f"{where}.families: {family} cannot be asked for properties; {can} can")
    if not guided(values):
        raise SettingsError(f"{where}: none of the families can be asked for properties; {can} can")
    for family in guided(values):
        settings = values["families"][family]
        model = settings.get("model", {})
        known = model.get("conditions")
        if family in CONDITIONED and "start" not in settings and (missing := sorted(set(wishes) - set(known or []))):
            raise SettingsError(
                f"{where}: {family} does not learn {', '.join(missing)}; add to families.{family}.model.conditions"
            )


def guided(config: Mapping[str, Any]) -> list[str]:
    """The families that are drawn under the wishes of `guide`: those named there, or all that can be."""
    if not config["guide"]:
        return []
    return list(config["guide"].get("families") or [family for family in config["families"] if family in ASKABLE])


def steering(config: Mapping[str, Any], family: str) -> dict[str, Any]:
    """The settings of `molgen steer` for a family: the wishes, and how it is drawn from."""
    return _wishes(config) | {"drawing": drawing(config, family)}


def wish_files(config: Mapping[str, Any]) -> dict[str, str]:
    """The file that the wishes are read from, if there is one."""
    return {name: config["guide"][name] for name in ("objective",) if name in config["guide"]}


def _wishes(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config["guide"].items() if key not in OF_THE_GUIDE}


def training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of a family's entry, the settings of `molgen train`."""
    return {key: value for key, value in settings.items() if key != "sample"}


def drawn(config: Mapping[str, Any], family: str) -> dict[str, Any]:
    """The `sample` section that holds for a family: its own keys before those of all."""
    return config["sample"] | config["families"][family].get("sample", {})


def drawing(config: Mapping[str, Any], family: str) -> dict[str, Any]:
    """How a family is drawn from: settings of `molgen sample`."""
    return {key: value for key, value in drawn(config, family).items() if key not in OF_A_DRAW}


def shards(config: Mapping[str, Any], family: str) -> list[str]:
    """The jobs that draw from a family, by their draws: `00000000-00102400`. With a larger `n` whole ones stay."""
    section = drawn(config, family)
    n, size = section["n"], -(-section["shard"] // CHUNK) * CHUNK
    if section.get("beam"):  # one search, which cannot be cut
        size = n
    return [f"{first:08d}-{min(first + size, n):08d}" for first in range(0, n, size)]


def options(settings: Mapping[str, Any]) -> str:
    """Settings as options, quoted for the shell: `{"model": {"width": 64}}` -> `--set model.width=64`."""
    pairs = (f"{key}={json.dumps(value)}" for key, value in _flat(settings))
    return " ".join(f"--set {shlex.quote(pair)}" for pair in pairs)


def raw_files(data: str | Sequence[str]) -> list[str]:
    """The files to prepare: the user's own, or those that `molgen data fetch` writes for a named data set."""
    if not isinstance(data, str):
        return list(data)
    return [f"results/data/{data}/{split}.smi" for split in data_set(data).files]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _completed(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the schema's defaults for the keys that are missing, section by section."""
    result = dict(values)
    for key, section in schema.get("properties", {}).items():
        if key not in result and "default" in section:
            result[key] = deepcopy(section["default"])
        if isinstance(result.get(key), Mapping):
            result[key] = _completed(result[key], section)
    return result


def _explained(problem: ValidationError) -> str:
    """One problem in one line: where, what, and what is allowed."""
    place = ".".join(str(part) for part in problem.absolute_path)
    if problem.validator == "additionalProperties":
        known = problem.schema["properties"]
        unknown = next(key for key in problem.instance if key not in known)
        return f"unknown key {f'{place}.{unknown}' if place else unknown!r}{nearest(str(unknown), known)}"
    if problem.validator == "required":
        missing = next(key for key in problem.validator_value if key not in problem.instance)
        return f"key {missing!r} is missing: {problem.schema['properties'][missing]['description']}"
    return f"{place} = {problem.instance!r}: {problem.schema.get('description', problem.message)}"


def write_resolved(config: Mapping[str, Any], run: Path) -> None:
    """Writes `run.yaml`: the configuration that a run was made with, defaults included."""
    run.mkdir(parents=True, exist_ok=True)
    with whole_file(run / "run.yaml") as aside:
        aside.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True), encoding="utf-8")
