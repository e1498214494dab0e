"""What a configuration of the workflow asks to be done: stage by stage, in units that rates are measured in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgen.core.errors import InputError, SettingsError
from molgen.core.settings import read_yaml
from molgen.data.sources import data_set

DRAWS = 10_000  # of each family, unless the configuration says otherwise (workflows/config/schema.yaml)
DRAWS_A_JOB = 102_400
MOLECULES = 1_000_000  # to train on, likewise (molgen/training/settings.py)
BYTES_A_ROW = {".smi": 45, ".csv": 60, ".tsv": 60, ".sdf": 2_500}  # of text; a compressed file holds four times that
COMPRESSION = 4
# layers x width^2 of the default networks, and the steps of a draw
SIZES = {"smiles": (6, 256), "graph-vae": (5, 256), "graph-diffusion": (8, 256)}
STEPS = 50


@dataclass(frozen=True)
class Work:
    """A stage of a run, of one family where it has families."""

    stage: str
    family: str
    units: int  # rows or molecules
    jobs: int = 1
    size: int = 0  # layers x width^2 of the network
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
    found = [Work("prepare", "", kept), Work("featurize", "", kept)]
    gpus = int(config.get("gpus") or 0)
    for family, settings in families.items():
        found += _of_a_family(str(family), settings or {}, config.get("sample") or {}, gpus, config.get("nodes") or 1)
    return found


def _of_a_family(
    family: str, settings: Mapping[str, Any], sample: Mapping[str, Any], gpus: int, nodes: int
) -> list[Work]:
    layers, width = SIZES.get(family, (0, 0))
    model = settings.get("model") or {}
    size = int(model.get("layers", layers)) * int(model.get("width", width)) ** 2
    how = {"n": DRAWS, "shard": DRAWS_A_JOB, **sample, **(settings.get("sample") or {})}
    molecules = int((settings.get("training") or {}).get("molecules", MOLECULES))
    draws, jobs = int(how["n"]), -(-int(how["n"]) // int(how["shard"]))
    return [
        Work("train", family, molecules, size=size, gpus=gpus * nodes),
        Work("sample", family, draws, jobs=jobs, size=size, steps=int(how.get("steps", STEPS)), gpus=min(gpus, 1)),
        Work("score", family, draws),
    ]


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
