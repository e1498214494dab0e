"""`sample`: exactly n draws from a trained generator, in drawing order, streamed to a samples table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, MolgenError
from molgen.core.machine import keep_freed_memory, precision_for
from molgen.core.progress import progress
from molgen.core.tables import SAMPLES, Writer, opened
from molgen.core.workers import map_ordered
from molgen.generators.base import DrawingSettings, Generator, NeuralGenerator, Samples, pick_device
from molgen.generators.folder import family_of, load_model, model_folder, read_config

CHUNK = 2_048  # draws a work item: a few seconds


def sample(
    model: str,
    n: int,
    out: Path,
    *,
    wishes: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
    workers: int = 1,
) -> dict[str, Any]:
    """Writes n rows and returns how many were drawn, are valid, and why the others are not.

    `wishes` are the settings of the family's `Drawing`; one that this model cannot meet is a SettingsError before
    anything is drawn.

    On a CPU `workers` processes draw with one thread each: the steps of a sequence are too small to be shared, and the
    draws do not depend on the number of cores. On an accelerator one process draws. `compiled` networks draw the same,
    to rounding.
    """
    if n < 1:
        raise InputError(f"--n {n}: at least one draw is needed")
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: samples are a Parquet table; give a name that ends in .parquet")
    kind = family_of(model_folder(model))
    if kind.guides:
        raise InputError(
            f"{model}: it guides the draws of a {kind.guides!r} model; sample that, with this as predictor"
        )
    drawing = kind.Drawing.parse(wishes or {}, where="sample")
    asked = {key: value for key, value in drawing.values().items() if key not in drawing.models}
    values = {"n": n, "precision": precision, "drawing": asked}
    models = {name: model_folder(other) for name, other in drawing.models.items()}
    for name, folder in models.items():
        _check_model(name, folder)
    identity = Identity.of("sample", values, {"model": model_folder(model), **models}, seed)
    if not already_made(out, identity):
        place = str(pick_device(device))
        precise = precision_for(precision, pick_device(device).type)
        chunk = n if drawing.together else CHUNK
        chunks = [(first, min(chunk, n - first)) for first in range(0, n, chunk)]
        draw = partial(_draw, model, identity.inputs["model"], place, precise, compiled, seed, drawing)
        with (
            building(out, identity, workers=workers, precision=precise) as path,
            Writer(path, SAMPLES.schema(), SAMPLES) as writer,
            progress("sample", n, "molecules") as bar,
        ):
            first = 0
            for drawn in map_ordered(draw, chunks, min(workers, len(chunks)) if place == "cpu" else 1):
                numbers = list(range(first, first + len(drawn.smiles)))
                writer.write({"index": numbers, "smiles": drawn.smiles, "reason": drawn.reasons})
                first += len(numbers)
                bar.advance(len(numbers))
    return _summary(out)


def _draw(
    model: str,
    key: str,
    device: str,
    precision: str,
    compiled: bool,
    seed: int,
    drawing: DrawingSettings,
    chunk: tuple[int, int],
) -> Samples:
    """The draws of one chunk: (number of the first, how many)."""
    first, count = chunk
    generator = _generator(model, key, device, precision, compiled)
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else threads)
    try:
        return generator.sample(count, seed=seed, first=first, drawing=drawing)
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def _generator(model: str, key: str, device: str, precision: str, compiled: bool) -> Generator:
    """The model, loaded once a process; `key` is the hash of its content."""
    keep_freed_memory()
    found = load_model(model, device=device, precision=precision)
    if compiled:
        from molgen.nn.compiled import compile_parts

        if not isinstance(found, NeuralGenerator):
            raise InputError(f"{model}: it has no network to compile; leave out --compile")
        compile_parts(found, found.compiles)
    return found


def _check_model(name: str, folder: Path) -> None:
    """Refuses what is no model folder, named as the setting that asks for it."""
    try:
        read_config(folder)
    except MolgenError as error:
        raise type(error)(f"{name}: {error}") from None


def _summary(out: Path) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    rows = 0
    with opened(out, SAMPLES) as file:
        for batch in file.iter_batches(columns=["reason"]):
            rows += batch.num_rows
            reasons.update(r.split(":")[0] for r in batch.column("reason").to_pylist() if r is not None)
    return {"n": rows, "valid": rows - reasons.total(), "reasons": dict(reasons.most_common())}
