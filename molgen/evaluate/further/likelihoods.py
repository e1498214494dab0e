"""What a model's likelihoods tell: how well it predicts each split, what it has memorised, what it finds strange.

For a family whose likelihoods are lower bounds, nats and perplexities here are upper bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from molgen.core.errors import InputError
from molgen.core.seeds import numpy_generator
from molgen.evaluate.further.figures import Figure, figure, mean
from molgen.evaluate.further.further import Further
from molgen.evaluate.further.ranks import auc
from molgen.evaluate.metrics import NotMeasuredError
from molgen.evaluate.reference import Fetched, Reference

SPLITS = {"Train": "train", "Test": "test", "TestSF": "test_scaffolds"}
OTHER = "other"


class Likely(NamedTuple):
    """Total log-probability in nats, float64 (n,), -inf of what the model cannot write, and tokens of each, (n,)."""

    log_prob: np.ndarray
    tokens: np.ndarray

    @property
    def written(self) -> Likely:
        """Of the molecules that the model can write."""
        known = np.isfinite(self.log_prob)
        if not known.any():
            raise NotMeasuredError("the model can write none of these molecules")
        return Likely(self.log_prob[known], self.tokens[known])


def of_model(scanned: Reference | Fetched, model: str, other: Path | None, n: int, seed: int, workers: int) -> Further:
    """The likelihood figures of n molecules of each split, drawn with the seed, and of another corpus."""
    molecules = {split: scanned.draw(split, n, seed).smiles for split in SPLITS.values()}
    if other is not None:
        molecules[OTHER] = of_corpus(other, n, seed)
    found = {split: likely(model, smiles, workers) for split, smiles in molecules.items() if smiles}
    return figures(found, other is not None)


def likely(model: str, smiles: Sequence[str], workers: int) -> Likely:
    """The likelihoods of molecules; what is no molecule is left out."""
    from molgen.likelihood import of_molecules

    rows = of_molecules(model, smiles, workers=workers)
    tokens = rows["tokens"].to_numpy()
    values = rows["log_prob"].fill_null(-np.inf).to_numpy()
    molecules = ~np.isnan(tokens)
    return Likely(values[molecules].astype(np.float64), tokens[molecules].astype(np.float64))


def of_corpus(file: Path, n: int, seed: int) -> list[str]:
    """At most n molecules of a file, drawn with the seed, in their order."""
    from molgen.scoring.source import Source

    smiles = [text for chunk in Source(file).chunks() for text in chunk["smiles"].drop_null().to_pylist()]
    if not smiles:
        raise InputError(f"--other {file}: no molecules in it")
    if len(smiles) <= n:
        return smiles
    chosen = numpy_generator(seed, "evaluate", OTHER).choice(len(smiles), n, replace=False)
    return [smiles[i] for i in np.sort(chosen)]


def figures(found: Mapping[str, Likely], with_other: bool) -> Further:
    """All figures; a note for each that there is not."""
    out = Further(compared={f"likelihood {split}": len(values.log_prob) for split, values in found.items()})
    for name, split in SPLITS.items():
        for kind, function in {"Nats": nats, "Perplexity": perplexity}.items():
            _put(out, f"{kind}/{name}", found, [split], function)
    _put(out, "MembershipAUC", found, ["train", "test"], _total_auc)
    if with_other:
        _put(out, "OutlierAUC", found, ["test", OTHER], _total_auc)
        _put(out, "OutlierAUC/token", found, ["test", OTHER], _token_auc)
    unwritten = {split: int(np.isneginf(values.log_prob).sum()) for split, values in found.items()}
    out.details["likelihood"] = {"unwritten": unwritten}
    for split, count in unwritten.items():
        if count and (named := next((f"Perplexity/{k}" for k, s in SPLITS.items() if s == split), None)):
            total = len(found[split].log_prob)
            out.notes.setdefault(named, f"without {count:,} of {total:,} molecules, which the model cannot write")
    return out


def _put(out: Further, name: str, found: Mapping[str, Likely], splits: Sequence[str], function) -> None:  # type: ignore[no-untyped-def]
    absent = [split for split in splits if split not in found]
    if absent:
        out.notes[name] = f"the reference has no {absent[0]!r} split"
        return
    try:
        out.figures[name] = function(*(found[split] for split in splits))
    except NotMeasuredError as error:
        out.figures[name], out.notes[name] = None, str(error)


def nats(split: Likely) -> Figure:
    """Mean negative log-probability of a molecule."""
    return mean(-split.written.log_prob)


def perplexity(split: Likely) -> Figure:
    """exp(nats a token): of a model that finds this many tokens equally likely at each place. By the delta method."""
    lost, tokens = -split.written.log_prob, split.written.tokens
    a_token = lost.sum() / tokens.sum()
    value = float(np.exp(a_token))
    return figure(value, value * (lost - a_token * tokens) / tokens.mean(), low=1.0)


def _total_auc(inside: Likely, outside: Likely) -> Figure:
    return auc(inside.log_prob, outside.log_prob)


def _token_auc(inside: Likely, outside: Likely) -> Figure:
    return auc(*(values.log_prob / values.tokens for values in (inside, outside)))
