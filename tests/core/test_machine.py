"""The precision that `auto` stands for is one that the device computes natively."""

from __future__ import annotations

import pytest
import torch

from molgen.core.machine import precision_for


@pytest.mark.parametrize(
    ("found", "precision"),
    [({"avx2": True}, "fp32"), ({"avx512_f": True, "avx512_bf16": False}, "fp32"), ({"avx512_bf16": True}, "bf16"),
     ({"amx_bf16": True}, "bf16"), ({"bf16": True}, "bf16"), ({}, "fp32")],
)  # fmt: skip
def test_auto_on_a_cpu(monkeypatch: pytest.MonkeyPatch, found: dict[str, bool], precision: str) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert precision_for("auto", "cpu") == precision


@pytest.mark.parametrize("native", [True, False])
def test_auto_on_a_gpu(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert precision_for("auto", "cuda") == ("bf16" if native else "fp32")


def test_what_is_asked_for_is_kept_and_unknown_devices_are_safe() -> None:
    assert [precision_for(asked, "cpu") for asked in ("bf16", "fp32")] == ["bf16", "fp32"]
    assert precision_for("auto", "mps") == "fp32"
