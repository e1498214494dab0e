"""A small prepared folder and a small file of draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from .prepared import DRAWN, TEST, TEST_SCAFFOLDS, TRAIN, write_molecules


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return write_molecules(
        tmp_path / "molecules", {"train": TRAIN, "test": TEST, "test_scaffolds": TEST_SCAFFOLDS, "valid": ["CCCC"]}
    )


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    file = tmp_path / "drawn.smi"
    file.write_text("\n".join(DRAWN) + "\n")
    return file
