"""`sample`: exactly n draws from a trained generator, in drawing order, streamed to a samples table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError
from molgen.core.machine import keep_freed_memory
from molgen.core.progress import progress
from molgen.core.tables import SAMPLES, Writer, opened
from molgen.generators.folder import load_model, model_folder, read_config

CHUNK = 2_048  # draws between two looks at the progress


def sample(
    model: str, n: int, out: Path, *, seed: int = 0, device: str = "auto", precision: str = "bf16"
) -> dict[str, Any]:
    """Writes n rows and returns how many were drawn, are valid, and why the others are not."""
    if n < 1:
        raise InputError(f"--n {n}: at least one draw is needed")
    read_config(model_folder(model))
    identity = Identity.of("sample", {"n": n, "precision": precision}, {"model": model_folder(model)}, seed)
    if not already_made(out, identity):
        keep_freed_memory()
        generator = load_model(model, device=device, precision=precision)
        with (
            building(out, identity) as path,
            Writer(path, SAMPLES.schema(), SAMPLES) as writer,
            progress("sample", n, "molecules") as bar,
        ):
            for first in range(0, n, CHUNK):
                drawn = generator.sample(min(CHUNK, n - first), seed=seed, first=first)
                numbers = list(range(first, first + len(drawn.smiles)))
                writer.write({"index": numbers, "smiles": drawn.smiles, "reason": drawn.reasons})
                bar.advance(len(numbers))
    return _summary(out)


def _summary(out: Path) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    rows = 0
    with opened(out, SAMPLES) as file:
        for batch in file.iter_batches(columns=["reason"]):
            rows += batch.num_rows
            reasons.update(r.split(":")[0] for r in batch.column("reason").to_pylist() if r is not None)
    return {"n": rows, "valid": rows - reasons.total(), "reasons": dict(reasons.most_common())}
