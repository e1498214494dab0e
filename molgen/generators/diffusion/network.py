"""The network of a level: its classes, in the size that the settings say."""

from __future__ import annotations

import torch

from molgen.core.errors import SettingsError
from molgen.generators.diffusion.level import Level
from molgen.generators.diffusion.settings import NetworkSettings
from molgen.nn.graph_transformer import GraphTransformer
from molgen.nn.tally import GraphTally


def network_of(level: Level, config: NetworkSettings, told: int | None = None, tally: bool = False) -> GraphTransformer:
    """A new graph transformer over a level's classes; with `told` it says so many numbers in the place of classes, with
    `tally` its nodes are told the mass of all others."""
    if config.width % config.heads:
        raise SettingsError(f"model.width = {config.width}: must be a multiple of heads = {config.heads}")
    return GraphTransformer(
        level.node_classes,
        level.edge_classes,
        width=config.width,
        layers=config.layers,
        heads=config.heads,
        edge_width=config.edge_width,
        pair_width=config.pair_width,
        feedforward=config.feedforward * config.width,
        directed=level.swapped is not None,
        told=told,
        tally=GraphTally(torch.tensor(level.masses), config.width) if tally else None,
    )
