"""`likelihood`: how likely a trained generator is to write given molecules, in nats.

The value of one spelling is exact. A molecule has many spellings, and the model may write any: the sum over some
distinct ones is a lower bound of the molecule's own probability, which rises with their number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from molgen.chem.parse import BadMolecule, canonical
from molgen.chem.spellings import random_spelling
from molgen.core import seeds
from molgen.core.artifacts import Identity, already_made, building, fingerprint
from molgen.core.errors import InputError, PartialError, SettingsError
from molgen.core.machine import keep_freed_memory
from molgen.core.progress import progress
from molgen.core.tables import LIKELIHOODS, Writer, opened
from molgen.core.workers import map_ordered
from molgen.data.store import Store
from molgen.generators.base import Likelihood, pick_device
from molgen.generators.folder import family_of, load_model, model_folder, read_config
from molgen.represent.tokens import SPECIAL, UNKNOWN, tokenize
from molgen.scoring.source import CHUNK, Source

BATCH = 256  # texts at a time
TRIES = 10  # random spellings drawn for each that is asked for: a small molecule has few
UNWRITABLE = "a token or a length that the model cannot write"


class Request(NamedTuple):
    """What is asked of each molecule."""

    spellings: int = 1
    spelling: str = "canonical"  # which of the model's distributions: that over canonical SMILES, or over all
    seed: int = 0


class Likelihoods(NamedTuple):
    """Summary over the molecules that have a value. `perplexity` is exp(nats a SMILES token, the end included)."""

    molecules: int
    valued: int
    nats: float
    nats_a_token: float
    perplexity: float
    reasons: dict[str, int]


def likelihood(
    model: str,
    out: Path,
    *,
    file: Path | None = None,
    features: Path | None = None,
    split: str = "test",
    request: Request = Request(),  # noqa: B008 (a constant)
    device: str = "auto",
    workers: int = 1,
) -> Likelihoods:
    """Writes one row a molecule of `file` (.smi, .smi.gz, .parquet), or of a split of a feature store.

    In float32. A molecule that the model cannot write, or that is none, has null and the reason. The result does not
    depend on `workers`.
    """
    if out.suffix != ".parquet":
        raise InputError(f"{out}: --out must end in .parquet")
    if (file is None) == (features is None):
        raise InputError("likelihood: give a file of molecules, or --features with a --split, not both")
    if request.spelling != "canonical" and "spelling" not in family_of(model_folder(model)).Drawing.model_fields:
        raise SettingsError(f"--spelling {request.spelling}: {model} knows one distribution only; leave it out")
    asked = {**request._asdict(), "split": split if features else None}
    inputs = {"model": model_folder(model), "molecules": file or features}
    identity = Identity.of("likelihood", asked, inputs, request.seed)  # type: ignore[arg-type]
    if not already_made(out, identity):
        place = str(pick_device(device))
        _model(model, identity.inputs["model"], place)  # one without likelihoods is refused before any work
        molecules = _Molecules(file, features, split)
        work = partial(_chunk, model=model, key=identity.inputs["model"], device=place, request=request)
        with building(out, identity, workers=workers) as aside:
            _write(aside, molecules, work, workers if place == "cpu" else 1)
        if molecules.damage():
            raise PartialError(molecules.damage())
    return summarise(out)


def of_molecules(
    model: str,
    smiles: Sequence[str],
    *,
    request: Request = Request(),  # noqa: B008 (a constant)
    device: str = "auto",
    workers: int = 1,
) -> pa.Table:
    """The rows of a likelihoods table for SMILES, in their order. An InputError for a model without likelihoods."""
    place, key = str(pick_device(device)), fingerprint(model_folder(model))
    _model(model, key, place)
    work = partial(_chunk, model=model, key=key, device=place, request=request)
    chunks = ((i, list(smiles[i : i + CHUNK])) for i in range(0, len(smiles), CHUNK))
    tables = [LIKELIHOODS.schema().empty_table()]
    with progress("likelihood", len(smiles), "molecules") as bar:
        for rows in map_ordered(work, chunks, workers if place == "cpu" and len(smiles) > CHUNK else 1):
            tables.append(rows)
            bar.advance(rows.num_rows)
    return pa.concat_tables(tables)


def _write(aside: Path, molecules: _Molecules, work: Any, workers: int) -> None:
    with (
        Writer(aside, LIKELIHOODS.schema(), LIKELIHOODS) as writer,
        progress("likelihood", molecules.rows, "molecules") as bar,
    ):
        for rows in map_ordered(work, molecules.chunks(), workers):
            writer.write(rows)
            bar.advance(rows.num_rows)
    if not bar.done:
        raise InputError(molecules.damage() or f"{molecules.place}: no molecules in it")


class _Molecules:
    """The molecules of a file or of a split of a feature store, `CHUNK` at a time."""

    def __init__(self, file: Path | None, features: Path | None, split: str) -> None:
        self.source = Source(file) if file is not None else None
        self.store = Store.open(features) if features is not None else None
        self.numbers = self.store.rows(split) if self.store is not None else np.empty(0, np.int64)
        self.rows = self.source.rows if self.source is not None else len(self.numbers)
        self.place = file or f"{features}, split {split}"

    def chunks(self) -> Iterator[tuple[int, list[str | None]]]:
        """The number of the first molecule, and the SMILES."""
        if self.store is not None:
            for first in range(0, len(self.numbers), CHUNK):
                texts = self.store.smiles(self.numbers[first : first + CHUNK])  # "" where its notation has no words
                yield first, [text or SPECIAL[UNKNOWN] for text in texts]
        if self.source is not None:
            first = 0
            for chunk in self.source.chunks():
                yield first, chunk["smiles"].to_pylist()
                first += chunk.num_rows

    def damage(self) -> str:
        """What stopped the reading before the end of the file, if anything did."""
        return (self.source.damage or "") if self.source is not None else ""


def _chunk(chunk: tuple[int, list[str | None]], *, model: str, key: str, device: str, request: Request) -> pa.Table:
    """The rows of some molecules."""
    first, smiles = chunk
    found: list[list[str]] = []  # the spellings of each
    reasons: list[str | None] = []
    for number, text in enumerate(smiles, first):
        try:
            texts = spellings(canonical(text or ""), request.spellings, seeds.child(request.seed, number))
            reason = None
        except BadMolecule as error:
            texts, reason = [], "no molecule" if text is None else f"no molecule: {error.reason}"
            if text is not None and SPECIAL[UNKNOWN] in text:  # a feature store keeps the tokens of its training split
                reason = UNWRITABLE
        found.append(texts)
        reasons.append(reason)
    totals = _log_probs(_model(model, key, device), [s for texts in found for s in texts], request.spelling, device)
    ends = np.cumsum([len(texts) for texts in found])
    values = [log_sum(part) for part in np.split(totals, ends[:-1])]
    reasons = [why or (UNWRITABLE if v == -math.inf else None) for why, v in zip(reasons, values, strict=True)]
    rows = {
        "smiles": smiles,
        "log_prob": [None if why else value for why, value in zip(reasons, values, strict=True)],
        "spellings": [len(texts) for texts in found],
        "tokens": [len(tokenize(texts[0])) + 1 if texts else None for texts in found],
        "reason": reasons,
    }
    return pa.table(rows, LIKELIHOODS.schema())


def spellings(smiles: str, count: int, seed: int) -> list[str]:
    """The canonical SMILES and up to `count` - 1 other, distinct spellings of the same molecule."""
    found = {smiles: None}
    for number in range(TRIES * (count - 1)):
        if len(found) == count:
            break
        text = random_spelling(smiles, seeds.child(seed, number))
        if text not in found and canonical(text) == smiles:  # a spelling can lose the side of a bond of rare molecules
            found[text] = None
    return list(found)


def log_sum(values: np.ndarray) -> float:
    """log of the sum of exp(values); -inf of none."""
    top = values.max(initial=-math.inf)
    return float(top) if top == -math.inf else float(top + np.log(np.exp(values - top).sum()))


def _log_probs(generator: Likelihood, texts: list[str], spelling: str, device: str) -> np.ndarray:
    """Log-probabilities (float64) of texts, in batches of like length."""
    import torch

    options = {} if spelling == "canonical" else {"spelling": spelling}
    out = np.zeros(len(texts))
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else threads)
    try:
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                out[rows] = generator.log_prob([texts[i] for i in rows], **options).double().cpu().numpy()
    finally:
        torch.set_num_threads(threads)
    return out


@lru_cache(maxsize=1)
def _model(model: str, key: str, device: str) -> Likelihood:
    """The model, loaded once a process; `key` is the hash of its content."""
    keep_freed_memory()
    found = load_model(model, device=device)
    if not isinstance(found, Likelihood):
        family = read_config(model_folder(model))["family"]
        raise InputError(f"{model}: a {family!r} model has no likelihoods; take one of a family that has, as smiles")
    return found


def summarise(out: Path) -> Likelihoods:
    """Means over the molecules of a likelihoods table that have a value."""
    rows = valued = tokens = 0
    total = 0.0
    reasons: dict[str, int] = {}
    with opened(out, LIKELIHOODS) as table:
        for batch in table.iter_batches():
            rows += batch.num_rows
            for reason in batch["reason"].drop_null().to_pylist():
                reasons[reason] = reasons.get(reason, 0) + 1
            has = batch["log_prob"].is_valid().to_numpy(zero_copy_only=False)
            valued += int(has.sum())
            total += float(batch["log_prob"].drop_null().to_numpy().sum())
            tokens += int(batch["tokens"].filter(pa.array(has)).to_numpy().sum())
    a_token = -total / tokens if tokens else math.nan
    nats = -total / valued if valued else math.nan
    counted = dict(sorted(reasons.items(), key=lambda item: -item[1]))
    return Likelihoods(rows, valued, nats, a_token, math.exp(a_token), counted)
