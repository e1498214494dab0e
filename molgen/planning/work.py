"""What a configuration of the workflow asks to be done: stage by stage, in units that rates are measured in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgen.core.errors import InputError, SettingsError
from molgen.core.settings import read_yaml
from molgen.data.sources import data_set
from molgen.generators import ASKABLE

DRAWS = 10_000  # of each family, unless the configuration says otherwise (workflows/config/schema.yaml)
DRAWS_A_JOB = 102_400
DRAWS_GUIDED = 1_000  # at each weight (molgen/steering.py)
MOLECULES = 1_000_000  # to train on, likewise (molgen/training/settings.py)
DRAWS_COMPARED = 30_000  # at most (molgen/evaluate/evaluate.py)
HELD_OUT = ("test", "test_scaffolds")
TEST_SHARE = 0.1  # (molgen/data/prepare_settings.py)
BYTES_A_ROW = {".smi": 45, ".csv": 60, ".tsv": 60, ".sdf": 2_500}  # of text; a compressed file holds four times that
COMPRESSION = 4
# layers x width^2 of the default networks, and the steps of a draw
SIZES = {"smiles": (6, 256), "graph-vae": (5, 256), "graph-diffusion": (8, 256)}
STEPS = 50
MOVES = {"graph-vae": 20}  # of the walk of a guided draw; other families take none unless told
MOVES_FROM = 0.5  # the time that a move of `graph-diffusion` begins at


@dataclass(frozen=True)
class Work:
    """A stage of a run, of one family where it has families."""

    stage: str
    family: str
    units: int  # rows or molecules
    jobs: int = 1
    size: int = 0  # layers x width^2 of the network
    kind: str = ""  # of rate, where the stage is done in a way of its own
    steps: int = STEPS  # of a draw, where it has steps
    gpus: int = 0  # in all

    @property
    def name(self) -> str:
        """As the workflow names its logs."""
        return f"{self.stage}.{self.family}" if self.family else self.stage


def work_of(file: Path) -> list[Work]:
    """The stages of a configuration that take time, in order. Its values are checked by the workflow, not here."""
    config = read_yaml(file)
    families = config.get("families")
    if "data" not in config or not isinstance(families, dict) or not families:
        raise SettingsError(f"{file}: no configuration of the workflow: `data` and `families` are expected")
    rows = _rows(config["data"])
    kept = min(rows, (config.get("prepare") or {}).get("sample") or rows)
    found = [Work("fetch", "", rows)] if isinstance(config["data"], str) else []
    found += [Work("prepare", "", kept), Work("featurize", "", kept)]
    draws = 0
    for family, settings in families.items():
        found += _of_a_family(str(family), settings or {}, config)
        draws += found[-1].units
        found.append(_evaluation(str(family), found[-1].units, config, kept))
    found += _guided(config)
    return [*found, Work("rank", "", draws), Work("compare", "", draws), Work("report", "", kept)]


def _of_a_family(family: str, settings: Mapping[str, Any], config: Mapping[str, Any]) -> list[Work]:
    """Training, draws, their scores."""
    gpus, nodes = int(config.get("gpus") or 0), config.get("nodes") or 1
    layers, width = SIZES.get(family, (0, 0))
    model = settings.get("model") or {}
    size = int(model.get("layers", layers)) * int(model.get("width", width)) ** 2
    how = {"n": DRAWS, "shard": DRAWS_A_JOB, **_drawing(family, config)}
    molecules = int((settings.get("training") or {}).get("molecules", MOLECULES))
    draws, jobs = int(how["n"]), -(-int(how["n"]) // int(how["shard"]))
    return [
        Work("train", family, molecules, size=size, gpus=gpus * nodes),
        Work("sample", family, draws, jobs=jobs, size=size, steps=int(how.get("steps", STEPS)), gpus=min(gpus, 1)),
        Work("score", family, draws),
    ]


def _guided(config: Mapping[str, Any]) -> list[Work]:
    """Draws under wishes: those of each weight, with what the moves of their walks redraw, and as many without."""
    how = config.get("guide") or {}
    families = how.get("families") or [family for family in config["families"] if family in ASKABLE]
    n, weights = int(how.get("n", DRAWS_GUIDED)), len(how.get("guidance") or [1])
    return [Work("guide", str(family), round(n * (1 + weights * _cost(family, config)))) for family in families if how]


def _cost(family: str, config: Mapping[str, Any]) -> float:
    """Of a guided draw, in those whose rate is known. A move of `graph-diffusion` takes the steps behind its time."""
    usual, how = MOVES.get(family, 0), _drawing(family, config)
    behind = 1 - float(how.get("moves_from", MOVES_FROM))
    steps = behind if how.get("distortion") == "none" else behind**0.5
    move = steps if family == "graph-diffusion" else 1.0
    return (1 + move * int(how.get("moves", usual))) / (1 + usual)


def _drawing(family: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """How a family is drawn from: its own settings before those of all."""
    own = (config["families"].get(family) or {}).get("sample") or {}
    return {**(config.get("sample") or {}), **own}


def _evaluation(family: str, draws: int, config: Mapping[str, Any], kept: int) -> Work:
    """The molecules that are looked at: draws, as many of the training set, and those held out."""
    how = {"limit": DRAWS_COMPARED, "floor": True, **(config.get("evaluate") or {})}
    most = how.get("reference_limit") or kept
    held_out = sum(min(most, rows) for rows in _held_out(config, kept))
    looked_at = min(draws, int(how["limit"])) * (2 if how["floor"] else 1) + held_out
    return Work("evaluate", family, looked_at, kind="evaluate.further" if how.get("further") else "")


def _held_out(config: Mapping[str, Any], kept: int) -> list[int]:
    """Molecules of each split that is held out to be compared with."""
    prepare = config.get("prepare") or {}
    if prepare.get("split") == "files" and isinstance(config["data"], str):
        files = data_set(config["data"]).files
        return [file.rows or 0 for split, file in files.items() if split in HELD_OUT]
    shares = prepare.get("fractions") or {"test": TEST_SHARE}
    return [round(kept * share) for split, share in shares.items() if split in HELD_OUT]


def _rows(data: str | list[str]) -> int:
    if isinstance(data, str):
        rows = data_set(data).rows
        if rows is None:
            raise InputError(f"data set {data!r}: how many rows it has is not known before it is fetched")
        return rows
    return sum(_rows_of_file(Path(path)) for path in data)


def _rows_of_file(path: Path) -> int:
    """Rows by the file's size; of a Parquet file exactly."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    suffixes = path.suffixes
    packed = bool(suffixes) and suffixes[-1] in (".gz", ".zst")
    kind = suffixes[-2] if packed and len(suffixes) > 1 else path.suffix
    return max(1, path.stat().st_size * (COMPRESSION if packed else 1) // BYTES_A_ROW.get(kind, 45))
