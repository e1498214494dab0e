"""`screen` as a command: what it says, and its exit codes."""

from __future__ import annotations

import gzip

import yaml


def test_exit_codes(tmp_path, zinc_smiles, molgen):
    (tmp_path / "o.yaml").write_text(yaml.safe_dump({"components": [{"type": "fsp3"}]}))
    whole = gzip.compress("\n".join(zinc_smiles[:100]).encode())
    (tmp_path / "cut.smi.gz").write_bytes(whole[: len(whole) // 2])
    line = f"screen {tmp_path}/cut.smi.gz --objective {tmp_path}/o.yaml --out {tmp_path}/out --workers 1"
    ended = molgen(line)
    assert ended.code == 1
    assert "at byte" in ended.messages[0]
    assert "kept in" in ended.out
    (tmp_path / "typo.yaml").write_text("components: [{type: fsp3, wieght: 2}]\n")
    ended = molgen(line.replace("o.yaml", "typo.yaml").replace("/out", "/other"))
    assert ended.code == 2
    assert "unknown key 'wieght' (did you mean 'weight'?" in ended.messages[0]
