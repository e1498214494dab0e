"""GuacaMol's five distribution-learning scores, each from 0 to 1 (Brown et al., J. Chem. Inf. Model. 59:1096, 2019).

As published: stereochemistry is dropped for uniqueness, novelty and the KL score; the KL score is the mean of exp(-KL)
over nine descriptors and the similarity of each molecule to its nearest other one, KL(data || draws) on 1,000 points of
Gaussian kernel densities (Scott's bandwidth), or on the data's ten histogram bins for counts, each value raised by
1e-10; the FCD score is exp(-0.2 FCD). The data are a part of the training set. Two differences: no draw is replaced by
another (invalid draws, repeats), so that shares are of the draws that there are; and a count of which no draw falls
into any bin of the data scores 0 where the published code has no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import GraphDescriptors, rdMolDescriptors

from molgen.chem.fingerprints import morgan
from molgen.chem.parse import parse
from molgen.chem.tanimoto import top
from molgen.core.cache import cache_folder
from molgen.core.progress import progress
from molgen.core.workers import map_ordered
from molgen.evaluate.draws import chunks
from molgen.evaluate.frechet import frechet_distance, gaussian, influence
from molgen.evaluate.further.context import VERSION, Context, Subject, kept_array
from molgen.evaluate.further.figures import Figure, figure, share
from molgen.evaluate.metrics import NotMeasuredError, valid_literature
from molgen.evaluate.statistics import set_key

POINTS, BINS, TINY = 1_000, 10, 1e-10
BITS, CHUNK = 4_096, 250
CONTINUOUS: dict[str, Callable[[Chem.Mol], float]] = {
    "BertzCT": GraphDescriptors.BertzCT,
    "MolLogP": lambda mol: rdMolDescriptors.CalcCrippenDescriptors(mol)[0],
    "MolWt": rdMolDescriptors._CalcMolWt,
    "TPSA": rdMolDescriptors.CalcTPSA,
}
COUNTED: dict[str, Callable[[Chem.Mol], float]] = {
    "NumHAcceptors": rdMolDescriptors.CalcNumHBA,
    "NumHDonors": rdMolDescriptors.CalcNumHBD,
    "NumRotatableBonds": rdMolDescriptors.CalcNumRotatableBonds,
    "NumAliphaticRings": rdMolDescriptors.CalcNumAliphaticRings,
    "NumAromaticRings": rdMolDescriptors.CalcNumAromaticRings,
}
INTERNAL = "internal_similarity"
DESCRIPTORS = (*CONTINUOUS, *COUNTED)
_MARKED = re.compile(r"[@/\\]|\[\d")  # stereo, or an isotope


class Divergence(NamedTuple):
    """KL(data || draws) in nats, and what each of the draws contributes to it, float64 (draws,)."""

    nats: float
    influences: np.ndarray


def flat(smiles: str) -> str:
    """Canonical SMILES without stereochemistry and isotopes."""
    return Chem.MolToSmiles(parse(smiles), isomericSmiles=False) if _MARKED.search(smiles) else smiles


def flattened(smiles: Iterable[str]) -> list[str]:
    """The distinct flat SMILES, in the order of their first appearance."""
    return list(dict.fromkeys(map(flat, smiles)))


def valid(context: Context) -> Figure:
    """Share of all draws that RDKit reads."""
    n = len(context.evidence.draws)
    hits = round(valid_literature(context.evidence) * n)
    return share(np.arange(n) < hits)


def unique(context: Context) -> Figure:
    """Share of distinct molecules among the valid draws."""
    n = len(context.drawn())
    return share(np.arange(n) < len(flattened(context.drawn().smiles)))


def novel(context: Context) -> Figure:
    """Share of the distinct molecules that do not stand in the training set."""
    own = flattened(context.drawn().smiles)
    context.train_part()
    wanted, known = set(own), set[str]()
    for text in context.all_train:
        known |= wanted.intersection([flat_or_not(text)])
    return share(np.array([text not in known for text in own]))


def flat_or_not(smiles: str) -> str:
    """`flat`, or the text itself where it is no molecule."""
    mol = Chem.MolFromSmiles(smiles) if _MARKED.search(smiles) else None
    return smiles if mol is None else str(Chem.MolToSmiles(mol, isomericSmiles=False))


def kl_score(context: Context) -> Figure:
    """Mean of exp(-KL) over the descriptors."""
    found = divergences(context)
    scores = np.exp([-d.nats for d in found.values()])
    influences = sum(-s * d.influences for s, d in zip(scores, found.values(), strict=True)) / len(found)
    return figure(float(scores.mean()), np.asarray(influences), high=1.0)


def divergences(context: Context) -> dict[str, Divergence]:
    """The divergence of each descriptor."""
    name = f"guacamol {context.subject.label}"
    if name not in context.shared:
        context.drawn(2), context.train_part(2)
        data, draws = described(context.chosen), described(context.subject)
        if len(draws) < 2 or len(data) < 2:
            raise NotMeasuredError("needs two distinct molecules")
        kinds: list[Callable[[np.ndarray, np.ndarray], Divergence]] = [continuous] * len(CONTINUOUS)
        kinds += [counted] * len(COUNTED) + [continuous]
        names = (*DESCRIPTORS, INTERNAL)
        found = {}
        for i, (descriptor, kind) in enumerate(zip(names, kinds, strict=True)):
            try:
                found[descriptor] = kind(data[:, i], draws[:, i])
            except NotMeasuredError as error:
                raise NotMeasuredError(f"{descriptor}: {error}") from None
        context.shared[name] = found
    return context.shared[name]  # type: ignore[return-value]


def nats(context: Context) -> dict[str, float | None]:
    """The divergence of each descriptor in nats, null where no draw falls into the data's range."""
    return {name: float(d.nats) if np.isfinite(d.nats) else None for name, d in divergences(context).items()}


def frechet_score(context: Context) -> Figure:
    """exp(-0.2 FCD), of the valid draws and a part of the training set."""
    draws, data = context.drawn(2), context.train_part(2)
    parts = [gaussian(s.activations, np.ones(len(s))) for s in (draws, data)]
    score = float(np.exp(-0.2 * max(frechet_distance(*parts), 0.0)))
    return figure(score, -0.2 * score * influence(draws.activations, *parts), high=1.0)


def described(subject: Subject) -> np.ndarray:
    """The nine descriptors and the internal similarity of a subject's distinct flat molecules, float64 (n, 10)."""
    smiles = flattened(subject.smiles)
    make = partial(_described, smiles, subject.workers, subject.label)
    if not subject.reference:
        return make()
    return kept_array(cache_folder() / "guacamol" / f"{set_key(smiles)[:32]}-{VERSION}", make)


def _described(smiles: Sequence[str], workers: int, label: str) -> np.ndarray:
    values, prints = [], []
    with progress(f"{label}: GuacaMol's descriptors", len(smiles), "molecules") as bar:
        for some, fingerprints in map_ordered(_chunk, chunks(smiles, CHUNK), workers if len(smiles) > CHUNK else 1):
            values.append(some)
            prints.append(fingerprints)
            bar.advance(len(some))
    every = np.concatenate(prints)
    internal = top(every, every, 2, workers=workers).similarity[:, 1]  # the first is the molecule itself
    return np.column_stack([np.concatenate(values), internal])


def _chunk(smiles: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    mols = [parse(text) for text in smiles]
    functions = (*CONTINUOUS.values(), *COUNTED.values())
    values = np.array([[f(mol) for f in functions] for mol in mols], np.float64)
    return np.where(np.isfinite(values), values, 0), morgan(mols, radius=2, bits=BITS)


def continuous(data: np.ndarray, draws: np.ndarray) -> Divergence:
    """Between two Gaussian kernel densities. The influences take the bandwidth as given."""
    both = np.concatenate([data, draws])
    points = np.linspace(both.min(), both.max(), POINTS)
    p = density(data, points) + TINY
    q = density(draws, points) + TINY
    p /= p.sum()
    slope = p / q - 1 / q.sum()  # minus the derivative of KL by q
    return Divergence(_nats(p, q), -_over_draws(draws, points, slope))


def density(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The Gaussian kernel density of values (n,) at points (m,), float64 (m,)."""
    width = _bandwidth(values)
    total = np.zeros(len(points))
    for start in range(0, len(values), 1_000):
        total += _kernel(values[start : start + 1_000], points, width).sum(axis=0)
    return total / len(values)


def _over_draws(values: np.ndarray, points: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Each value's kernel times the slope, float64 (n,)."""
    width = _bandwidth(values)
    blocks = (values[start : start + 1_000] for start in range(0, len(values), 1_000))
    return np.concatenate([_kernel(some, points, width) @ slope for some in blocks])


def _kernel(values: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    away = (points[None, :] - values[:, None]) / width
    found: np.ndarray = np.exp(-0.5 * away * away) / (width * np.sqrt(2 * np.pi))
    return found


def _bandwidth(values: np.ndarray) -> float:
    width = float(values.std(ddof=1)) * len(values) ** -0.2
    if width < 1e-12:
        raise NotMeasuredError("all values are equal, so that they have no density")
    return width


def counted(data: np.ndarray, draws: np.ndarray) -> Divergence:
    """Between two histograms, on the data's bins."""
    p, edges = np.histogram(data, bins=BINS, density=True)
    counts = np.histogram(draws, bins=edges)[0]
    if not counts.sum():
        return Divergence(np.inf, np.zeros(len(draws)))
    widths = np.diff(edges)
    p, q = p + TINY, counts / counts.sum() / widths + TINY
    p /= p.sum()
    slope = (p / q - 1 / q.sum()) / widths
    inside = (draws >= edges[0]) & (draws <= edges[-1])
    place = np.clip(np.searchsorted(edges, draws, side="right") - 1, 0, BINS - 1)
    centre = float((counts / counts.sum()) @ slope)
    influences = np.where(inside, centre - slope[place], 0.0) * len(draws) / counts.sum()
    return Divergence(_nats(p, q), influences)


def _nats(p: np.ndarray, q: np.ndarray) -> float:
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p * np.log(p / q)))


METRICS: dict[str, Callable[[Context], Figure]] = {
    "GuacaMol/Valid": valid,
    "GuacaMol/Unique": unique,
    "GuacaMol/Novel": novel,
    "GuacaMol/KL": kl_score,
    "GuacaMol/FCD": frechet_score,
}
