"""`sample`: exactly n draws from a trained generator, in drawing order, streamed to a samples table.

Draws can be made in shards, in as many jobs, and joined: the result is that of one call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molgen.core.artifacts import Identity, already_made, building, read_provenance
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
    first: int = 0,
    join: Path | None = None,
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

    `first` is the number of the first draw, for a shard: its rows are those that one call for all draws would have
    there, if it is a multiple of CHUNK. `join` is a folder of shards: nothing is drawn, the n rows are put together
    from them, and an InputError says what is missing.

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
    if first and join is not None:
        raise InputError(f"--first {first}: --join puts all draws together, from the first on; take one of them away")
    if first and drawing.together:
        raise InputError(f"--first {first}: the rows are one search, which cannot be made in parts")
    values = {"n": n, "precision": precision, "drawing": asked}
    models = {name: model_folder(other) for name, other in drawing.models.items()}
    for name, folder in models.items():
        _check_model(name, folder)
    identity = Identity.of("sample", values, {"model": model_folder(model), **models}, seed)
    identity = _shard(identity, first, n)
    if already_made(out, identity):
        return _summary(out)
    if join is not None:
        _join(join, n, out, identity)
    else:
        precise = precision_for(precision, pick_device(device).type)
        place = str(pick_device(device))
        draw = partial(_draw, model, identity.inputs["model"], place, precise, compiled, seed, drawing)
        with building(out, identity, workers=workers, precision=precise) as path:
            _write(path, draw, first, n, n if drawing.together else CHUNK, workers if place == "cpu" else 1)
    return _summary(out)


def _write(
    path: Path, draw: Callable[[tuple[int, int]], Samples], first: int, n: int, chunk: int, workers: int
) -> None:
    """Draws `first` to `first + n - 1`, in order, as they are made."""
    chunks = [(start, min(chunk, first + n - start)) for start in range(first, first + n, chunk)]
    with Writer(path, SAMPLES.schema(), SAMPLES) as writer, progress("sample", n, "molecules") as bar:
        for drawn in map_ordered(draw, chunks, min(workers, len(chunks))):
            numbers = list(range(first, first + len(drawn.smiles)))
            writer.write({"index": numbers, "smiles": drawn.smiles, "reason": drawn.reasons})
            first += len(numbers)
            bar.advance(len(numbers))


def _shard(identity: Identity, first: int, n: int) -> Identity:
    """The identity of n of the draws; of the first n draws, that of a call for no more."""
    place = {"first": first} if first else {}
    return replace(identity, settings={**identity.settings, "n": n, **place})


def _join(folder: Path, n: int, out: Path, identity: Identity) -> None:
    """Writes `out` from the shards in `folder` that are of these settings."""
    files = list(_pieces(folder, n, identity))
    with building(out, identity) as path, Writer(path, SAMPLES.schema(), SAMPLES) as writer:
        for file in files:
            with opened(file, SAMPLES) as shard:
                for batch in shard.iter_batches():
                    writer.write(pa.Table.from_batches([batch]))


def _pieces(folder: Path, n: int, identity: Identity) -> Iterator[Path]:
    """Files of `folder` that hold draws 0 to n - 1, in order, each once. Others, of other settings, are passed over."""
    keys = {str((read_provenance(file) or {}).get("key")): file for file in sorted(folder.glob("*.parquet"))}
    lengths = sorted({pq.read_metadata(file).num_rows for file in keys.values()}, reverse=True)
    place = 0
    while place < n:
        fits = (k for k in lengths if place + k <= n and _shard(identity, place, k).key in keys)
        length = next(fits, 0)
        if not length:
            raise InputError(
                f"{folder}: no shard of these settings begins with draw {place} and ends by draw {n - 1}; "
                f"make one with --first {place}"
            )
        yield keys[_shard(identity, place, length).key]
        place += length


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
