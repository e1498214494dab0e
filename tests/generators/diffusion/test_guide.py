"""Guidance by a predictor: tilted rates against brute force, and the whole way from training to a draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from molgen.core.errors import InputError, MolgenError, SettingsError
from molgen.data.store import Store
from molgen.generators.diffusion.batches import Noises
from molgen.generators.diffusion.denoising import denoise
from molgen.generators.diffusion.dense import Graphs, square
from molgen.generators.diffusion.guide import Guide, Scale
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.noise import Noise
from molgen.generators.diffusion.settings import DiffusionConfig, DiffusionDrawing, GuideConfig
from molgen.generators.diffusion.tilt import tilted
from molgen.sampling import sample
from molgen.training.settings import RunSettings, TrainingSettings
from molgen.training.train import train

from .conftest import SMALL

SWAPPED = (0, 2, 1, 3)


class Toy:
    """A level of three kinds of nodes and four of pairs, two of which change places with the direction."""

    node_classes, edge_classes, swapped = 3, 4, SWAPPED


def linear_guide() -> Guide:
    """A guide whose network is no network: sums of what each class of node and of (directed) pair counts."""
    config = GuideConfig(width=8, heads=1, layers=1, edge_width=8, pair_width=4)
    noises = Noises(Noise([6, 3, 1]), Noise([5, 2, 2, 1]))
    guide = Guide(config, Toy(), noises, {"a": Scale(1.0, 2.0), "b": Scale(0.0, 1.0)}).double()  # type: ignore[arg-type]
    torch.manual_seed(0)
    guide.network.blocks = torch.nn.ModuleList()
    for part in (guide.network.nodes, guide.network.edges):
        torch.nn.init.normal_(part.embedding.weight)
        told = torch.nn.Linear(8, 4).double()
        torch.nn.init.zeros_(told.weight[2:])  # the variance is constant
        part.logits = told
    return guide


def of(variances: torch.Tensor, mean: torch.Tensor, wanted: dict[str, float]) -> torch.Tensor:
    """log p(y | z) of standardised wishes."""
    asked = torch.tensor([(wanted["a"] - 1) / 2, wanted["b"]], dtype=torch.float64)
    return (-((mean - asked) ** 2) / (2 * variances)).sum(-1)


def test_ratios_are_exact_where_the_predictor_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every jump of every node and pair, by brute force."""
    monkeypatch.setattr("molgen.nn.graph_transformer.norm", lambda x: x)
    guide = linear_guide()
    graphs = Graphs(torch.tensor([[0, 2, 1]]), torch.tensor([[1, 3, 2]]))
    time, wanted = torch.tensor([[0.4]], dtype=torch.float64), {"a": 2.0, "b": -1.5}
    nodes, pairs = guide.tilt({name: np.array([value]) for name, value in wanted.items()})(graphs, time)

    def log_p(state: Graphs) -> torch.Tensor:
        mean, log_variance = guide.predicted(state, time)
        return of(log_variance.exp(), mean, wanted)

    with torch.no_grad():
        here = log_p(graphs)
        for kind, (state, found) in enumerate(zip(graphs, (nodes, pairs), strict=True)):
            for place in range(state.shape[1]):
                for other in range(found.shape[-1]):
                    there = [part.clone() for part in graphs]
                    there[kind][0, place] = other
                    assert float(found[0, place, other]) == pytest.approx(float(log_p(Graphs(*there)) - here), abs=1e-9)
    asked_of_one = guide.tilt({"a": np.array([2.0]), "b": np.array([np.nan])})(graphs, time)[0]
    assert torch.allclose(asked_of_one, guide.tilt({"a": np.array([2.0])})(graphs, time)[0])


@pytest.mark.parametrize(("sampler", "near"), [("posterior", 0.015), ("flow", 0.1), ("direct", 0.1)])
def test_exact_ratios_turn_draws_into_those_of_the_posterior(sampler: str, near: float) -> None:
    """One variable of three states, a wish as likely as `wish` says of each: Bayes' rule on what comes out.

    `flow` goes other ways to the same data than those the noise came, so it lands near.
    """
    prior, data, wish = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7]), np.array([0.9, 0.3, 0.1])
    noises, count = Noises(Noise([6, 3, 1]), Noise([1])), 20_000
    how = DiffusionDrawing(steps=60, sampler=sampler)

    def at(time: float) -> np.ndarray:
        """Of each state now, the distribution of the clean one."""
        joint = data[:, None] * (time * np.eye(3) + (1 - time) * prior)
        return (joint / joint.sum(0)).T

    def predict(graphs: Graphs, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(at(float(time[0])))[graphs.nodes], torch.ones(count, 0, 1)

    def tilt(graphs: Graphs, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        likely = torch.from_numpy(np.log(at(float(time[0])) @ wish))
        return likely[None, None] - likely[graphs.nodes].unsqueeze(-1), torch.zeros(count, 0, 1)

    uniforms = torch.rand(count, how.steps + 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    *_, last = denoise(predict, noises, uniforms, 1, how, lambda graphs, *_: graphs, tilt=tilt)
    shares = np.bincount(last.nodes[:, 0], minlength=3) / count
    assert np.allclose(shares, data * wish / (data * wish).sum(), atol=near)
    assert abs(shares - data).max() > 0.2


def test_tilting_is_bounded_and_zero_strength_is_none() -> None:
    weights, ratio = torch.tensor([0.0, 1.0]), torch.tensor([5.0, 500.0])
    assert torch.equal(tilted(weights, ratio, 0.0), weights)
    assert tilted(weights, ratio, 1.0).isfinite().all()
    assert torch.equal(tilted(weights, None, 1.0), weights)


@pytest.fixture(scope="module")
def trained(features: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and its guide, trained for a moment."""
    folder = tmp_path_factory.mktemp("guided")
    training = TrainingSettings(molecules=600, batch_size=16, learning_rate=1e-2, average=0.9, precision="fp32")
    train("graph-diffusion", features, folder / "model", RunSettings(model=SMALL, training=training))
    settings = RunSettings(
        model={**SMALL, "layers": 1, "properties": ["TPSA", "logP"]},
        training=training.model_copy(update={"molecules": 5000, "validate_every": 5000, "learning_rate": 4e-3}),
        start=str(folder / "model"),
    )
    train("graph-diffusion-guide", features, folder / "guide", settings)
    return folder / "model", folder / "guide"


def polar_share(model: GraphDiffusion, how: DiffusionDrawing) -> float:
    """Share of nitrogen and oxygen, which is defined for a graph that is no molecule too."""
    polar = torch.tensor([s.atomic_number in (7, 8) for s in model.level.symbols])  # type: ignore[attr-defined]
    *_, last = model.path(np.arange(40), 14, 0, how)
    return float(polar[last.nodes].double().mean())


@pytest.mark.parametrize("sampler", ["direct", "flow", "posterior"])
def test_draws_move_to_what_is_asked(trained: tuple[Path, Path], sampler: str) -> None:
    """A low and a high topological polar surface."""
    model, guide = GraphDiffusion.load(trained[0], device="cpu"), str(trained[1])
    plain = DiffusionDrawing(steps=8, sampler=sampler)
    low, high = (
        plain.model_copy(update={"predictor": guide, "condition": {"TPSA": wish}, "guidance": 4.0})
        for wish in (0.0, 150.0)
    )
    shares = [polar_share(model, how) for how in (low, plain, high)]
    assert shares[0] + 0.03 < shares[1] < shares[2] - 0.03
    assert polar_share(model, high.model_copy(update={"guidance": 0.0})) == shares[1]


def test_training_a_guide_explains_the_properties(trained: tuple[Path, Path]) -> None:
    lines = [line.split(",") for line in (trained[1] / "metrics.csv").read_text().split()]
    column = lines[0].index("TPSA")
    valid = [float(line[column]) for line in lines[1:] if line[1] == "valid"]
    assert valid[0] == pytest.approx(1, abs=0.4)  # of an untrained one: the variance itself
    assert valid[-1] < 0.9 * valid[0]


def test_each_draw_can_be_asked_for_its_own_value(trained: tuple[Path, Path]) -> None:
    model = GraphDiffusion.load(trained[0], device="cpu").double()
    how = DiffusionDrawing(steps=4, predictor=str(trained[1]), condition={"TPSA": 80.0})
    draws, values = np.arange(6), np.array([20.0, 40, 80, 120, 160, np.nan])
    together = list(model.path(draws, 9, 0, how, {"TPSA": values}))[-1]
    for place in draws:
        one = (
            how.model_copy(update={"condition": {"TPSA": float(values[place])}})
            if place < 5
            else DiffusionDrawing(steps=4)
        )
        alone = list(model.path(draws[[place]], 9, 0, one))[-1]
        assert torch.equal(together.nodes[place], alone.nodes[0])
        assert torch.equal(together.pairs[place], alone.pairs[0])


def test_the_draws_table_knows_its_predictor_by_content(trained: tuple[Path, Path], tmp_path: Path) -> None:
    model, guide = map(str, trained)
    wishes = {"steps": 2, "predictor": guide, "condition": {"logP": 2.5}}
    assert sample(model, 5, tmp_path / "a.parquet", wishes=wishes)["n"] == 5
    (tmp_path / "elsewhere").symlink_to(guide)
    sample(model, 5, tmp_path / "a.parquet", wishes=wishes | {"predictor": str(tmp_path / "elsewhere")})
    with pytest.raises(MolgenError, match="exists with other settings"):
        sample(model, 5, tmp_path / "a.parquet", wishes={"steps": 2})


def test_a_predictor_that_cannot_guide_is_refused(trained: tuple[Path, Path], store: Store, tmp_path: Path) -> None:
    model, guide = trained
    condition = {"logP": 2.5}
    for predictor, message in [
        (str(model), "is a 'graph-diffusion' model; train one with `molgen guide`"),
        (str(tmp_path / "nowhere"), "predictor: .*nowhere: no such model"),
    ]:
        with pytest.raises(MolgenError, match=message) as caught:
            sample(str(model), 1, tmp_path / "o.parquet", wishes={"predictor": predictor, "condition": condition})
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="sample that, with this as predictor"):
        sample(str(guide), 1, tmp_path / "o.parquet")
    with pytest.raises(SettingsError, match="nothing is asked of it"):
        DiffusionDrawing.parse({"predictor": str(guide)})
    other = GraphDiffusion.build(DiffusionConfig(level="fragment", vocabulary=20, **SMALL), store)
    for wish, drawn_by, message in [
        ({"logp": 1.0}, GraphDiffusion.load(model, device="cpu"), "did you mean 'logP'"),
        (condition, other.eval(), "trained for a model of other classes"),
    ]:
        with pytest.raises(SettingsError, match=message):
            drawn_by.sample(1, seed=0, drawing=DiffusionDrawing(predictor=str(guide), condition=wish, steps=2))


def test_a_guide_is_trained_for_a_model(trained: tuple[Path, Path], features: Path, tmp_path: Path) -> None:
    for settings, message in [
        ({}, "start: .* name it"),
        ({"start": str(trained[1])}, "guides one of 'graph-diffusion'"),
        ({"start": str(trained[0]), "adapter": {}}, "trained whole"),
    ]:
        with pytest.raises(SettingsError, match=message):
            train("graph-diffusion-guide", features, tmp_path / "guide", RunSettings.parse(settings))


def test_it_guides_at_the_level_of_fragments_too(store: Store, tmp_path: Path) -> None:
    """Where a pair's class reads otherwise from its other end: jumps one by one, to first order."""
    (tmp_path / "features").symlink_to(store.folder.resolve())
    own = Store.open(tmp_path / "features")
    model = GraphDiffusion.build(DiffusionConfig(level="fragment", vocabulary=200, **SMALL), own)
    guide = Guide.build(GuideConfig(properties=("logP",), **SMALL), own, model).double()
    torch.manual_seed(0)
    for parameter in guide.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    rows = model.usable(own, own.rows("train"))
    graphs = model.level.graphs(own, rows[model.level.sizes(own, rows) == 9][:1])
    time = torch.tensor([[0.8]], dtype=torch.float64)
    guide.requires_grad_(False)
    _, _, [(nodes, pairs)] = guide._slopes(graphs, time, [0])
    network, swapped, step = guide.network, torch.tensor(model.level.swapped), 1e-5
    x, e = network.embedded(graphs.nodes, square(graphs, swapped))
    rows_of = network.nodes.embedding.weight, network.edges.embedding.weight
    for place, other in [(0, 3), (4, 1)]:  # a small step of the embedding towards that of another class
        moved = x.clone()
        moved[0, place] += step * (rows_of[0][other] - rows_of[0][graphs.nodes[0, place]])
        change = guide._summed(*network.from_embedded(moved, e, time[0]))[0] - guide.predicted(graphs, time)[0]
        expected = nodes[0, place, other] - nodes[0, place, graphs.nodes[0, place]]
        assert float(change) / step == pytest.approx(float(expected), rel=1e-3)
    above, below = torch.triu_indices(9, 9, 1)
    for pair, other in [(0, 5), (20, 2)]:
        moved, now = e.clone(), int(graphs.pairs[0, pair])
        i, j = int(above[pair]), int(below[pair])
        moved[0, i, j] += step * (rows_of[1][other] - rows_of[1][now])
        moved[0, j, i] += step * (rows_of[1][swapped[other]] - rows_of[1][swapped[now]])
        change = guide._summed(*network.from_embedded(x, moved, time[0]))[0] - guide.predicted(graphs, time)[0]
        assert float(change) / step == pytest.approx(float(pairs[0, pair, other] - pairs[0, pair, now]), rel=1e-3)
