"""Compiled networks: the same results where there is a compiler, a line that says so where there is none."""

from __future__ import annotations

import pytest
import torch

from molgen.nn import compiled
from molgen.nn.compiled import compile_parts, lacking
from molgen.nn.graph_transformer import GraphTransformer

SMALL = {"width": 8, "layers": 1, "heads": 1, "edge_width": 4, "pair_width": 4, "feedforward": 8}


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    model = torch.nn.Module()
    model.network = GraphTransformer(3, 2, **SMALL)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.slow
@pytest.mark.timeout(1800)  # compiling takes a minute or two of a core
def test_a_compiled_network_says_the_same_of_graphs_of_any_size() -> None:
    if (reason := lacking("cpu")) is not None:
        pytest.skip(reason)
    model, plain = network(), network()
    names = list(model.state_dict())
    assert compile_parts(model, ("network",))
    assert list(model.state_dict()) == names
    for batch, n in [(3, 5), (4, 7)]:
        graph = torch.randint(3, (batch, n)), torch.zeros(batch, n, n, dtype=torch.long), torch.rand(batch)
        with torch.no_grad():
            found, known = model.network(*graph), plain.network(*graph)
        for one, other in zip(found, known, strict=True):
            assert torch.allclose(one, other, atol=1e-5)


def test_without_a_compiler_it_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("no C++ compiler found\nand a long trace")

    monkeypatch.setattr(torch, "compile", broken)
    compiled.lacking.cache_clear()
    model = network()
    assert not compile_parts(model, ("network",))
    assert capsys.readouterr().err == "compile: goes on without (no C++ compiler found)\n"
    assert not compile_parts(model, ())
    assert "no part that gains" in capsys.readouterr().err
    compiled.lacking.cache_clear()
