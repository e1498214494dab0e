"""The latent space as a tool: encoding, paths, steps uphill; bad molecules are rows with a reason."""

from __future__ import annotations

import pytest
import torch

from molgen.core.errors import InputError, SettingsError
from molgen.generators.graph_vae.latent import ascend, decoded, encode, path, predicted
from molgen.generators.graph_vae.model import GraphVAE


def test_bad_molecules_are_rows_with_a_reason(model: GraphVAE) -> None:
    smiles = ["CCO", "no", "C1CC", "CC.O", "C[Te]C", "C" * 200, "", "c1ccccc1"]
    vectors, reasons = encode(model, smiles)
    good = [reason is None for reason in reasons]
    assert good == [True, False, False, False, False, False, False, True]
    assert vectors.isfinite().all(1).tolist() == good
    assert reasons[3].startswith("several fragments")
    assert reasons[4].startswith("unknown atom")
    assert reasons[5].startswith("too large")


def test_a_molecule_is_encoded_the_same_alone_and_in_company(model: GraphVAE) -> None:
    model = model.with_settings(model.config).double().eval()
    together = model.encode(["CCO", "c1ccccc1C(=O)N", "OCC"])
    assert torch.allclose(together[0], together[2])  # however it is spelled
    assert torch.allclose(together[1], model.encode(["NC(=O)c1ccccc1"])[0])


def test_what_is_no_vector_is_a_null_with_a_reason(model: GraphVAE) -> None:
    samples = decoded(model, model.encode(["CCO", "nonsense"]))
    assert samples.smiles[0] is not None
    assert samples.smiles[1] is None
    assert samples.reasons == [None, "not a finite vector"]


def test_paths_hold_both_ends_and_arcs_keep_their_length() -> None:
    a, b = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 3.0])
    for spherical in (False, True):
        points = path(a, b, 7, spherical)
        assert torch.allclose(points[0], a, atol=1e-6)
        assert torch.allclose(points[-1], b, atol=1e-6)
    assert torch.allclose(path(a, b, 7, True).norm(dim=1), torch.full((7,), 3.0))
    assert torch.allclose(path(a, b, 3, False)[1], (a + b) / 2)
    assert torch.allclose(path(a, 2 * a, 3, True)[1], 1.5 * a)
    with pytest.raises(SettingsError, match="at least 2"):
        path(a, b, 1, False)


def test_steps_uphill_raise_the_predicted_property(model: GraphVAE) -> None:
    name = next(iter(model.properties))
    z = model.encode(["CCO", "c1ccccc1", "CCN(CC)CC"])
    before, after = predicted(model, z, name), predicted(model, ascend(model, z, name, 5, 0.3), name)
    assert (after > before).all()
    assert (predicted(model, ascend(model, z, name, 5, -0.3), name) < before).all()
    with pytest.raises(InputError, match="did not learn it"):
        ascend(model, z, "beauty", 1, 0.1)
