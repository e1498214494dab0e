"""The graph VAE: every latent vector decodes to a molecule, on either backend; the loss is what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.data.fragment_store import FragmentStore
from molgen.data.store import Store
from molgen.generators.base import Loss
from molgen.generators.graph_vae.batch import Actions
from molgen.generators.graph_vae.drawing import fresh, pushed
from molgen.generators.graph_vae.latent import posterior
from molgen.generators.graph_vae.model import GraphVAE
from molgen.generators.graph_vae.sampling import decode, molecule
from molgen.generators.graph_vae.settings import GraphVAEConfig, GraphVAEDrawing
from molgen.represent.derivations import START, Build


def _check_valid(smiles: list[str | None], reasons: list[str | None], model: GraphVAE) -> None:
    for text, reason in zip(smiles, reasons, strict=True):
        assert text is not None, reason
        assert "." not in text
        mol = Chem.MolFromSmiles(text)
        assert mol.GetNumHeavyAtoms() <= model.most_atoms
        assert Chem.MolToSmiles(mol) == text


@pytest.mark.parametrize("prior", ["auto", "learnt", "normal", "decoder"])
def test_every_draw_is_a_molecule(model: GraphVAE, prior: str) -> None:
    samples = model.sample(300, seed=3, drawing=GraphVAEDrawing(prior=prior))
    _check_valid(*samples, model)


def test_the_decoders_prior_is_a_mixture_of_posteriors(model: GraphVAE) -> None:
    """Each vector lies as far from the posterior mean of a molecule drawn without a latent as the noise says."""
    numbers = np.arange(5, 30)
    noise = fresh(model, numbers, 7)
    z = pushed(model, noise, numbers, 7, GraphVAEDrawing(prior="decoder"))
    own = seeds.uniforms(seeds.child(7, "graph-vae", "own"), numbers, model.longest)
    builds = decode(model, torch.zeros_like(noise), own, largest_ring=model.largest_ring)
    written = [molecule(build)[0] or "" for build in builds]
    mean, log_variance, _ = posterior(model, written, own=True)
    known = mean.isfinite().all(1)
    assert known.sum() > 5
    assert torch.allclose(z[known], (mean + (0.5 * log_variance).exp() * noise)[known], atol=1e-5)
    assert torch.equal(z[~known], noise[~known])  # what this encoder does not know
    assert len(set(written)) > 5
    moved = pushed(model, noise, numbers, 7, GraphVAEDrawing(prior="decoder"), move=1)
    assert not torch.equal(moved[known], z[known])  # other molecules


def test_a_model_that_learnt_without_a_latent_draws_by_itself(model: GraphVAE) -> None:
    numbers = np.arange(8)
    noise = fresh(model, numbers, 7)
    alone = model.with_settings(model.config.model_copy(update={"without_latent": 0.25}))
    for which, prior in ((model, "learnt"), (alone, "decoder")):
        asked = GraphVAEDrawing(prior=prior)
        assert torch.equal(pushed(which, noise, numbers, 7, GraphVAEDrawing()), pushed(which, noise, numbers, 7, asked))


def test_what_a_model_wrote_is_encoded_as_any_molecule(model: GraphVAE) -> None:
    asked, own = ["CCO", "c1ccccc1C", ""], posterior(model, ["CCO", "c1ccccc1C", ""], own=True)
    for checked, quick in zip(posterior(model, asked)[:2], own[:2], strict=True):
        assert torch.allclose(checked, quick, atol=1e-6, equal_nan=True)
    assert own.reasons == [None, None, "no graph"]


def _loss(model: GraphVAE, features: Path, **changes: float) -> tuple[GraphVAE, Loss]:
    """A model with other settings, and its loss on some molecules."""
    changed = model.with_settings(model.config.model_copy(update=changes))
    changed.train(model.training)
    store = Store.open(features)
    torch.manual_seed(0)
    return changed, changed.loss(changed.collate(store, store.rows("train")[:60]))


def test_molecules_learnt_without_a_latent_teach_the_encoder_nothing(model: GraphVAE, features: Path) -> None:
    model = model.with_settings(model.config)
    model.train()
    silent = {"property_weight": 0.0, "free_nats": 0.0}
    changed, loss = _loss(model, features, without_latent=1 - 1e-9, **silent)
    loss.total.backward()
    assert all(p.grad is None or not p.grad.any() for p in changed.encoder.parameters())
    assert changed.decoder.symbol.grad is not None
    half, loss = _loss(model, features, without_latent=0.5, **silent)
    loss.total.backward()
    assert any(p.grad is not None and p.grad.any() for p in half.encoder.parameters())


def test_what_is_left_without_a_latent_is_measured(model: GraphVAE, features: Path) -> None:
    """In validation the latent is always told, and beside it stand the nats at the origin."""
    model = model.eval()
    _, plain = _loss(model, features)
    changed, loss = _loss(model, features, without_latent=0.5)
    assert "alone" not in plain.parts
    assert loss.parts["reconstruction"].item() == pytest.approx(plain.parts["reconstruction"].item(), rel=1e-6)
    store = Store.open(features)
    batch = changed.collate(store, store.rows("train")[:60])
    origin = torch.zeros(batch.atoms.molecules, changed.config.latent)
    assert loss.parts["alone"].item() == pytest.approx(changed.decoder.nats(batch.actions, origin).item(), rel=1e-6)


@pytest.mark.slow
def test_ten_thousand_random_latents_are_molecules(model: GraphVAE) -> None:
    """Near and far from where the model was trained."""
    z = torch.randn(10_000, model.config.latent, generator=torch.Generator().manual_seed(0))
    z *= torch.linspace(0.1, 6, len(z))[:, None]
    _check_valid(*model.decode(z, seed=0), model)


def test_far_away_vectors_and_a_full_stack_end_within_the_limits(model: GraphVAE) -> None:
    z = 30 * torch.randn(100, model.config.latent, generator=torch.Generator().manual_seed(1))
    uniforms = seeds.uniforms(0, np.arange(100), model.longest)
    builds = decode(model, z, uniforms, temperature=10.0)
    assert all(build.done for build in builds)
    assert max(len(build.actions) for build in builds) <= model.longest
    _check_valid(*map(list, zip(*map(molecule, builds), strict=True)), model)


def test_steps_with_a_cache_are_the_whole_sequences_distributions(model: GraphVAE, features: Path) -> None:
    """-log p of greedy derivations, taken from one forward pass, is the sum over the steps that made them."""
    model = model.with_settings(model.config).double().eval()
    model.most_atoms = 10_000  # no action is ruled out for want of room
    z = torch.randn(40, model.config.latent, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    decoder, vectors = model.decoder, model.decoder.vectors()
    every = decode(model, z, None)
    order = sorted(
        (i for i, b in enumerate(every) if 2 * len(b.actions) <= model.longest), key=lambda i: len(every[i].actions)
    )
    assert len(order) > 10
    builds = [every[i] for i in order]
    actions = Actions.of(model.grammar, [b.actions for b in builds], [START] * len(builds))
    states = decoder(vectors, actions.places, actions.shapes, z[order])
    total = 0.0
    for kind in range(4):
        rows = (actions.kinds == kind).nonzero().squeeze(1)
        if len(rows):
            nats = -decoder.logits(vectors, states[rows], kind).log_softmax(-1)
            total += float(nats.gather(1, decoder.choice(actions.targets[rows], kind)[:, None]).sum().detach())
    assert math.isclose(total, float(decoder.nats(actions, z[order]).detach()), rel_tol=1e-9)
    greedy = torch.cat(
        [decoder.action(decoder.logits(vectors, states[(actions.kinds == k)], k).argmax(-1), k) for k in (0, 1)]
    )
    wanted = torch.cat([actions.targets[actions.kinds == k] for k in (0, 1)])
    assert float((greedy == wanted).double().mean()) > 0.95  # all but joins to sites that are not there


def test_pyg_and_dgl_give_the_same_posterior(model: GraphVAE, features: Path) -> None:
    pytest.importorskip("dgl")
    store = Store.open(features)
    batch = model.collate(store, store.rows("valid"))
    other = model.with_settings(model.config.model_copy(update={"backend": "dgl"}))
    assert (model.config.backend, other.config.backend) == ("pyg", "dgl")
    for one, two in zip(model.encoder(batch.atoms), other.encoder(batch.atoms), strict=True):
        assert torch.allclose(one, two, atol=1e-5)


def test_a_missing_dgl_is_said_in_training_and_harmless_in_a_trained_model(
    model: GraphVAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = model.config_values()
    values["settings"] = values["settings"] | {"backend": "dgl"}
    monkeypatch.setattr("molgen.nn.message_passing.find_spec", lambda name: None)
    assert GraphVAE.from_values(values).config.backend == "pyg"
    with pytest.raises(SettingsError, match="DGL is not installed"):
        GraphVAE(GraphVAEConfig(backend="dgl"), ["*C"], model.atom_types, {"atoms": 9, "actions": 9}, {})


def test_nats_below_the_free_ones_cost_nothing(model: GraphVAE, features: Path) -> None:
    store = Store.open(features)
    batch = model.collate(store, store.rows("valid"))
    free = model.with_settings(model.config.model_copy(update={"free_nats": 1e6})).eval()
    full = model.with_settings(model.config.model_copy(update={"free_nats": 0.0, "kl_weight": 1.0})).eval()
    parts = full.loss(batch).parts
    difference = float(full.loss(batch).total - free.loss(batch).total)
    assert math.isclose(difference, float(parts["kl"]), rel_tol=1e-4)


def test_a_molecule_with_an_atom_the_training_split_lacks_is_left_out(model: GraphVAE, features: Path) -> None:
    store = Store.open(features)
    rows = store.rows("valid")
    usable = model.usable(store, rows)
    assert len(usable) == len(rows) - 1
    assert store.smiles(np.setdiff1d(rows, usable)) == ["C#<unknown>"]
    assert model.collate(store, rows).atoms.molecules == len(usable)


def test_batches_hold_the_molecules_they_are_of(model: GraphVAE, features: Path) -> None:
    """The derivations of a batch, executed, are the molecules whose atoms the encoder sees."""
    store = Store.open(features)
    rows = store.rows("train")[:40]
    lengths = FragmentStore.of(store, model.config.vocabulary).lengths(rows)[1]
    rows = rows[np.argsort(lengths, kind="stable")]
    model.train()
    batch = model.collate(store, rows)
    model.eval()
    targets = batch.actions.targets.tolist()
    found = []
    first = 0
    for count, length in batch.actions.shapes:
        for _ in range(count):
            build = Build(model.grammar)
            for action in targets[first : first + length]:
                if action >= 0:
                    build.apply(action)
            found.append(molecule(build)[0])
            first += length
    assert found == [Chem.CanonSmiles(text, useChiral=0) for text in store.smiles(rows)]


def test_it_learns_to_reconstruct(folder: Path) -> None:
    lines = (folder / "metrics.csv").read_text().split()
    place = lines[0].split(",").index("reconstruction")
    nats = [float(line.split(",")[place]) for line in lines[1:] if ",train," in line]
    assert nats[-1] < nats[0]


def test_rings_between_single_atoms_are_no_larger_than_asked(features: Path) -> None:
    """A model without fragments makes every ring by a join; random weights would make them of any size."""
    torch.manual_seed(1)
    small = GraphVAEConfig(width=16, layers=1, heads=2, encoder_width=8, encoder_layers=1, vocabulary=0)
    model = GraphVAE.build(small, Store.open(features)).eval()
    assert model.largest_ring is None

    def largest(drawing: GraphVAEDrawing) -> int:
        drawn = [Chem.MolFromSmiles(text) for text in model.sample(200, seed=0, drawing=drawing).smiles if text]
        return max(len(ring) for mol in drawn for ring in mol.GetRingInfo().AtomRings())

    assert largest(GraphVAEDrawing()) > 8
    for bound in (4, 6):
        assert largest(GraphVAEDrawing(largest_ring=bound)) == bound


def test_draws_have_no_larger_rings_than_the_fragments(model: GraphVAE) -> None:
    most = max(len(ring) for text in model.grammar.texts for ring in _rings_of(text))
    assert model.largest_ring == most
    for text in model.sample(300, seed=11).smiles:
        assert text is not None
        mol = Chem.MolFromSmiles(text)
        assert all(len(ring) <= most for ring in mol.GetRingInfo().AtomRings())


def _rings_of(text: str) -> list[tuple[int, ...]]:
    mol = Chem.MolFromSmiles(text, sanitize=False)
    Chem.GetSymmSSSR(mol)
    return list(mol.GetRingInfo().AtomRings())


def test_the_temperature_is_that_of_both_decodings(model: GraphVAE) -> None:
    numbers = np.arange(40)
    noise = fresh(model, numbers, 7)

    def own(temperature: float) -> torch.Tensor:
        return pushed(model, noise, numbers, 7, GraphVAEDrawing(prior="decoder", temperature=temperature))

    assert torch.equal(own(0), own(1))  # the likeliest molecule would be the same for all
    assert not torch.equal(own(0.3), own(1))
