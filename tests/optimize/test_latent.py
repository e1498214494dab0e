"""Candidates from a latent space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from molgen.core.errors import InputError
from molgen.optimize.latent import Latent, LatentSettings
from molgen.optimize.strategy import Context


def _flat(smiles: list[str]) -> list[str]:
    return [text for text in smiles if Chem.MolFromSmiles(text) and "@" not in text and "/" not in text]


def test_without_noise_candidates_are_what_the_parents_decode_to(vae_folder: Path, zinc_smiles: list[str]) -> None:
    parents = _flat(zinc_smiles)[:16]
    settings = LatentSettings(crossed=0, radius=1e-9, temperature=0, children=8)
    strategy = Latent(settings, Context(iter([]), str(vae_folder), 0))
    vectors = strategy.vae.encode(parents)
    able = vectors[vectors.isfinite().all(1)]
    assert len(able) > 8
    expected = [text for text in strategy.vae.decode(able[: min(8, len(able) // 2)]).smiles if text is not None]
    assert strategy.candidates(parents, np.random.default_rng(0)) == expected


def test_what_cannot_be_encoded_is_no_parent(vae_folder: Path) -> None:
    strategy = Latent(LatentSettings(), Context(iter([]), str(vae_folder), 0))
    assert strategy.candidates(["[U]", "[Xe]"], np.random.default_rng(0)) == []


def test_a_model_without_a_latent_space_is_refused(policy_folder: Path) -> None:
    with pytest.raises(InputError, match="'smiles' model has no latent space; give one of family graph-vae"):
        Latent(LatentSettings(), Context(iter([]), str(policy_folder), 0))
