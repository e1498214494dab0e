"""`steer`: what becomes of wishes. Draws under a condition at several weights, beside plain draws, with what they have.

The wishes are values asked for and bounds that count as met, given one by one or read off an objective: of each of its
components that is a property, the values that its transform calls good.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from molgen.core.artifacts import Identity, already_made, building, remove, work_path
from molgen.core.errors import MolgenError, SettingsError, nearest
from molgen.core.progress import progress
from molgen.core.settings import Settings
from molgen.core.tables import PROPERTIES, SAMPLES, STEERED, Writer, opened
from molgen.core.workers import map_ordered
from molgen.generators.folder import model_folder
from molgen.sampling import sample
from molgen.scoring.objective import Objective

GOOD, MET = 0.9, 0.5  # asked for is the middle of what reaches GOOD of the best desirability; met is what reaches MET
GRID = 201  # values of a transform's span that are looked at
COMPARED = 2_000  # molecules whose diversity is measured

Bounds = tuple[float | None, float | None]


class Wish(NamedTuple):
    """A value that is asked for, and the bounds within which it counts as met (None: open)."""

    asked: float
    low: float | None = None
    high: float | None = None

    def met(self, values: np.ndarray) -> np.ndarray:
        """Which values lie within the bounds; nan does not."""
        above = -math.inf if self.low is None else self.low
        return (values >= above) & (values <= (math.inf if self.high is None else self.high))


class SteerSettings(Settings):
    """What is asked for, how strongly, and of how many draws."""

    n: Annotated[int, Field(ge=1)] = 1_000  # draws at each weight
    condition: dict[str, float] = Field(default_factory=dict)  # property: value
    within: dict[str, Bounds] = Field(default_factory=dict)  # property: bounds that count as met; null: open
    objective: Path | None = None  # in the place of condition and within
    guidance: tuple[float, ...] = (1.0,)  # weights of the condition; plain draws are always made beside them
    drawing: dict[str, Any] = Field(default_factory=dict)  # further settings of `sample`

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if (self.objective is None) == (not self.condition):
            raise ValueError("give a condition, such as condition.logP=2.5, or an objective, and not both")
        if self.objective is not None and self.within:
            raise ValueError("within: an objective says itself what is good; take one of them away")
        for name in [*self.condition, *self.within]:
            if name not in PROPERTIES:
                raise ValueError(f"{name!r} is no property{nearest(name, PROPERTIES)}")
        if missing := [name for name in self.within if name not in self.condition]:
            raise ValueError(f"within.{missing[0]}: it is not asked for; give condition.{missing[0]} as well")
        for name, (low, high) in self.within.items():
            if low is not None and high is not None and low > high:
                raise ValueError(f"within.{name}: {low:g} is above {high:g}")
        if not self.guidance or min(self.guidance) <= 0 or len(set(self.guidance)) < len(self.guidance):
            raise ValueError("guidance: expected weights above 0, each once")
        return self

    def wishes(self) -> dict[str, Wish]:
        """What is asked for. Without bounds of its own, a wish is met by anything."""
        if self.objective is not None:
            return wishes_of(Objective.read(self.objective), str(self.objective))
        return {name: Wish(asked, *self.within.get(name, ())) for name, asked in self.condition.items()}


def wishes_of(objective: Objective, where: str) -> dict[str, Wish]:
    """The properties among an objective's components, with the values that their transforms call good."""
    found = {}
    for component in objective.components:
        transform = component.transform
        if component.type not in PROPERTIES or transform is None or transform.span is None:
            continue
        low, high = transform.span
        values = np.linspace(low, high, GRID)
        desirability = transform(values)
        good = desirability >= GOOD * desirability.max()
        met = values[good | (desirability >= MET)]
        least, most = (None if end in (low, high) else float(end) for end in (met.min(), met.max()))
        found[component.type] = Wish(float(values[good].mean()), least, most)
    if not found:
        raise SettingsError(f"{where}: none of its components is a property with a transform; nothing can be asked for")
    return found


def steer(
    model: str, out: Path, settings: SteerSettings, *, seed: int = 0, device: str = "auto", workers: int = 1
) -> list[Outcome]:
    """Writes the table of all draws, and returns what became of them at each weight, plain draws (0) first.

    A SettingsError if the model cannot be asked for one of the properties.
    """
    wishes = settings.wishes()
    values = settings.values() | {"wishes": {name: list(wish) for name, wish in wishes.items()}, "objective": None}
    identity = Identity.of("steer", values, {"model": model_folder(model)}, seed)
    if not already_made(out, identity):
        parts = work_path(out, identity).with_suffix(".draws")
        asked = {name: wish.asked for name, wish in wishes.items()}
        files = {}
        for weight in (*settings.guidance, 0.0):  # what a model refuses, it refuses before anything is drawn
            how = settings.drawing | ({"condition": asked, "guidance": weight} if weight else {})
            files[weight] = parts / f"{weight:g}.parquet"
            try:
                sample(model, settings.n, files[weight], wishes=how, seed=seed, device=device, workers=workers)
            except MolgenError:
                with suppress(OSError):
                    parts.rmdir()  # stays where draws are already in it
                raise
        with building(out, identity, workers=workers) as aside:
            _write(aside, dict(sorted(files.items())), wishes, workers)
        remove(parts)
    return outcomes(out)


def _write(file: Path, draws: Mapping[float, Path], wishes: Mapping[str, Wish], workers: int) -> None:
    extra = {f"{name}{end}": pa.float64() for name in wishes for end in ("", ".asked")}
    total = sum(1 for _ in _batches(draws))
    with Writer(file, STEERED.schema(extra), STEERED) as writer, progress("steer", total, "batches") as bar:
        valued = map_ordered(partial(_values, list(wishes)), (b["smiles"] for _, b in _batches(draws)), workers)
        for (weight, batch), found in zip(_batches(draws), valued, strict=True):
            met = np.all([wish.met(found[:, k]) for k, wish in enumerate(wishes.values())], 0)
            row = {"guidance": [weight] * len(met), **batch, "met": met}
            for k, (name, wish) in enumerate(wishes.items()):
                row[name] = found[:, k]
                row[f"{name}.asked"] = [wish.asked] * len(met)
            writer.write(row)
            bar.advance(1)


def _batches(draws: Mapping[float, Path]) -> Iterator[tuple[float, dict[str, list[Any]]]]:
    for weight, file in draws.items():
        with opened(file, SAMPLES) as table:
            for batch in table.iter_batches(512):
                yield weight, batch.to_pydict()


def _values(names: Sequence[str], smiles: Sequence[str | None]) -> np.ndarray:
    """Properties of molecules, (molecules, names); nan without a molecule."""
    from rdkit import Chem

    from molgen.chem.descriptors import DESCRIPTORS

    mols = [None if s is None else Chem.MolFromSmiles(s) for s in smiles]
    return np.array([[math.nan if m is None else DESCRIPTORS[n](m) for n in names] for m in mols], np.float64)


class Outcome(NamedTuple):
    """What became of the draws at one weight. Means and errors are over valid draws, shares of `met` over all."""

    guidance: float  # 0: plain draws
    n: int
    valid: float
    unique: float  # distinct among the valid
    diversity: float  # 1 - mean Tanimoto similarity (ECFP4) of pairs
    met: float  # share of all draws that meet every wish, each molecule counted once
    mean: dict[str, float]
    error: dict[str, float]  # mean absolute difference from what was asked


def outcomes(file: Path) -> list[Outcome]:
    """Of a table that `steer` wrote, each weight."""
    with opened(file, STEERED) as table:
        frame = table.read().to_pandas()
    return [_outcome(float(weight), rows) for weight, rows in frame.groupby("guidance", sort=True)]


def _outcome(weight: float, rows: Any) -> Outcome:
    from rdkit import Chem

    from molgen.chem.fingerprints import morgan, tanimoto

    valid = rows[rows["smiles"].notna()]
    names = [name.removesuffix(".asked") for name in rows.columns if name.endswith(".asked")]
    distinct = valid.drop_duplicates("smiles")
    prints = morgan([Chem.MolFromSmiles(s) for s in valid["smiles"][:COMPARED]])
    similar = tanimoto(prints, prints) if len(valid) else np.ones((1, 1))
    missed = {name: (valid[name] - valid[f"{name}.asked"]).abs().mean() for name in names}
    return Outcome(
        weight,
        len(rows),
        len(valid) / len(rows),
        len(distinct) / max(len(valid), 1),
        float(1 - similar.mean()),
        float(distinct["met"].sum() / len(rows)),
        {name: float(valid[name].mean()) for name in names},
        {name: float(error) for name, error in missed.items()},
    )
