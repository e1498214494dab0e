"""A context made of SMILES, with ChemNet activations that cost nothing."""

from __future__ import annotations

import hashlib

import numpy as np

from molgen.chem.parse import canonical
from molgen.evaluate.describe import describe
from molgen.evaluate.draws import Draws
from molgen.evaluate.further.context import Context, Subject
from molgen.evaluate.metrics import Evidence

PARENTS = ["c1ccccc1", "c1ccncc1", "C1CCNCC1", "c1ccc2[nH]ccc2c1", "C1CCCC1"]
GROUPS = ["C", "CC", "O", "N", "F", "Cl", "OC(=O)", "NC(=O)", "CO", "N#C", "OC", "OCC", "CN", "CC(C)"]


def some(n: int, start: int = 0) -> list[str]:
    """n distinct molecules."""
    texts = (f"{group}{link}{parent}" for link in ("C", "CC") for parent in PARENTS for group in GROUPS)
    return list(dict.fromkeys(map(canonical, texts)))[start : start + n]


def pretended(smiles: list[str]) -> np.ndarray:
    """Numbers that depend on the SMILES alone, float32 (n, 512), as if a network had given them."""
    seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in smiles]
    return np.array([np.random.default_rng(seed).normal(size=512) for seed in seeds], np.float32).reshape(-1, 512)


def subject(label: str, smiles: list[str]) -> Subject:
    return Subject(label, smiles, given=pretended(smiles))


def context(drawn: list[str], test: list[str], train: list[str], invalid: int = 0) -> Context:
    rows = [*drawn, *[None] * invalid]
    splits = {"test": describe("test", test, 1, filters=False)} if test else {}
    generated = describe("generated", drawn, 1, filters=False)
    evidence = Evidence(Draws(rows), set(drawn) & set(train), generated, splits, len(train))
    return Context(evidence, subject("generated", drawn), subject("test", test), subject("train0", train), train)
