"""`guided`: graph diffusion around the best molecules so far, steered by what was learnt of the objective.

Candidates are good molecules with noise put on them and taken off again by the model. Its jumps are tilted towards
classes of nodes (fragments, or atoms) that raise the value, by a linear Gaussian process that is fitted anew in each
round; a Gaussian process over the molecules says which candidates are worth a call.

With value m(x) = sum over the nodes of w[class], a jump from class f to class g is made likelier by

    exp(guidance * (w[g] - w[f]) / s)

with s the deviation of m over the molecules that were told. Where the model's belief about the other nodes does not
depend on this one, this draws from p(x) exp(guidance * m(x) / s): the best trade of value against likeness to p.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from molgen.chem.tanimoto import tanimoto
from molgen.core.errors import InputError, SettingsError
from molgen.core.settings import Settings
from molgen.optimize.picking import Picking, PickingSettings
from molgen.optimize.strategy import Context
from molgen.optimize.surrogate import ENVIRONMENTS, likeliest, prints

if TYPE_CHECKING:
    from torch import Tensor

    from molgen.generators.diffusion.dense import Graphs
    from molgen.generators.diffusion.level import Level
    from molgen.generators.diffusion.tilt import Tilt


class GuidedSettings(PickingSettings):
    """How far candidates may be from their parents, and how strongly they are steered."""

    children: Annotated[int, Field(ge=1)] = 60
    generations: Annotated[int, Field(ge=1)] = 1
    least_time: Annotated[float, Field(ge=0, lt=1)] = 0.3  # noise is put on for a time drawn from here (0: all noise)
    most_time: Annotated[float, Field(ge=0, lt=1)] = 0.8  # to here (1: none)
    steps: Annotated[int, Field(ge=1, le=10_000)] = 20  # calls of the network from noise to molecule
    guidance: Annotated[float, Field(ge=0, le=20)] = 6.0  # 0: not steered, only picked


class Guided(Picking):
    """The strategy. Molecules that the model cannot hold are told, and never parents."""

    Settings: ClassVar[type[Settings]] = GuidedSettings
    model: ClassVar[str] = "graph-diffusion-moses"
    settings: GuidedSettings

    def __init__(self, settings: GuidedSettings, context: Context) -> None:
        super().__init__(settings, context)
        if settings.least_time > settings.most_time:
            raise SettingsError(f"strategy.least_time = {settings.least_time}: above most_time, {settings.most_time}")
        from molgen.generators.diffusion.model import GraphDiffusion  # torch
        from molgen.generators.folder import load_model, model_folder, read_config

        found = load_model(context.model, device="auto")
        if not isinstance(found, GraphDiffusion):
            family = read_config(model_folder(context.model))["family"]
            raise InputError(f"{context.model}: a {family!r} model; give one of family {GraphDiffusion.name!r}")
        self.diffusion = found
        self._alike = alike(found.level)
        self._graphs: dict[str, Graphs | None] = {}

    def candidates(self, parents: Sequence[str], generator: np.random.Generator) -> list[str]:
        """Molecules that the model makes of the parents with noise on them."""
        from molgen.generators.diffusion.settings import DiffusionDrawing

        graphs = [graph for text in parents if (graph := self._graph(text)) is not None][: self.settings.children]
        time = float(generator.uniform(self.settings.least_time, self.settings.most_time))
        how = DiffusionDrawing(steps=self.settings.steps, guidance=self.settings.guidance)
        seed = int(generator.integers(2**31))
        found = self.diffusion.vary(graphs, time, seed=seed, drawing=how, tilt=self._tilt())
        return [text for text in found.smiles if text is not None]

    def _tilt(self) -> Tilt | None:
        """What jumps are made likelier by; None if nothing can be told yet."""
        if not self.settings.guidance:
            return None
        known = [
            (graph, i)
            for i in self.memory.ranked()[: self.settings.learnt]
            if (graph := self._graph(self.memory.smiles[i])) is not None
        ]
        if len(known) < 2:
            return None
        nodes = [graph.nodes[0].numpy() for graph, _ in known]
        worth = worth_of(nodes, self.memory.values[[i for _, i in known]], self._alike)
        return linear(worth)

    def _graph(self, smiles: str) -> Graphs | None:
        if smiles not in self._graphs:
            self._graphs[smiles] = self.diffusion.level.graph(smiles)
        return self._graphs[smiles]


def alike(level: Level) -> np.ndarray:
    """How alike classes of nodes are, (classes, classes): Tanimoto's similarity of fragments; atoms are not alike."""
    texts: Sequence[str] | None = getattr(level, "texts", None)
    if texts is None:
        return np.eye(level.node_classes)
    environments = prints(texts)[:, ENVIRONMENTS]
    return tanimoto(environments, environments).astype(np.float64)


def worth_of(nodes: Sequence[np.ndarray], values: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """What a node of each class adds to the value, float64 (classes,), in deviations of the sum over these molecules.

    The mean of a linear Gaussian process with `alike` as the covariance of the classes, so that something is known of
    fragments that no molecule had.
    """
    counts = np.stack([np.bincount(classes, minlength=len(alike)) for classes in nodes]).astype(np.float64)
    spread = counts @ alike
    kernel = spread @ counts.T
    kernel /= kernel.diagonal().mean()
    worth = spread.T @ likeliest(kernel, values - values.mean()).weights
    deviation = float((counts @ worth).std())
    return worth / deviation if deviation > 1e-9 * (1e-300 + np.abs(worth).max()) else np.zeros_like(worth)


def linear(worth: np.ndarray) -> Tilt:
    """The tilt towards classes of nodes that are worth more; pairs are left alone."""
    import torch

    gain = torch.from_numpy(worth)

    def tilt(graphs: Graphs, time: Tensor) -> tuple[Tensor, None]:
        own = gain.to(graphs.nodes.device, time.dtype)
        return own - own[graphs.nodes].unsqueeze(-1), None

    return tilt
