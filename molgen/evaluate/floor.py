"""The floor: the metrics that as many training molecules reach as were drawn.

It is what a model would show that has learnt the distribution of the training set and nothing else. FCD, SNN and Scaf
depend on the number of molecules, so that a figure means little without the floor for its n.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from molgen.core.artifacts import write_json
from molgen.core.cache import cache_folder
from molgen.evaluate.describe import Described
from molgen.evaluate.draws import Draws
from molgen.evaluate.metrics import METRICS, Evidence, measure
from molgen.evaluate.statistics import VERSION, chemnet, kept, set_key

LEFT_OUT = ("valid", "valid_literature", "unique", "unique@1000", "unique@10000", "Novelty")  # 1, or 0, by definition


def floor(
    of_draws: Evidence, train: Described, smiles: Sequence[str], held_out: Mapping[str, Sequence[str]]
) -> dict[str, float | None]:
    """The metrics of training molecules, against the splits that the draws are measured against; kept in the cache."""
    parts = [str(VERSION), set_key(smiles), *(f"{s}:{set_key(held_out[s])}" for s in sorted(held_out))]
    parts.append("chemnet" if of_draws.chemnet else "")
    file = cache_folder() / "floors" / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return kept(file, _read, lambda: _measured(of_draws, train, smiles), _write)


def _measured(of_draws: Evidence, train: Described, smiles: Sequence[str]) -> dict[str, float | None]:
    found = dict(of_draws.chemnet)
    if found:
        found["generated"] = chemnet("ChemNet train", smiles, of_draws.workers)
    evidence = replace(of_draws, draws=Draws(list(smiles)), known=set(smiles), generated=train, chemnet=found)
    names = [name for name in METRICS if name not in LEFT_OUT]
    return measure(evidence, names)[0]


def _write(folder: Path, values: dict[str, float | None]) -> None:
    write_json(folder / "floor.json", values)


def _read(folder: Path) -> dict[str, float | None]:
    values = json.loads((folder / "floor.json").read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ValueError(folder)
    return values
