"""Plans of the workflow for object stores and for other batch systems, with plugins that .ci/run puts aside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRA = ROOT / ".venv" / "extra"
STAGES = ("prepare", "featurize", "train", "sample", "join", "score", "rank", "evaluate", "report")


class Empty(BaseHTTPRequestHandler):
    """An object store with one bucket that holds the user's two files and nothing else."""

    here = ("/bucket/molgen/raw.smi", "/bucket/molgen/objective.yaml")

    def do_HEAD(self) -> None:
        path = self.path.split("?")[0].rstrip("/")
        self.send_response(200 if path in (*self.here, "/bucket") else 404)
        self.send_header("Content-Length", "10" if path in self.here else "0")
        self.send_header("Last-Modified", "Thu, 01 Oct 2026 00:00:00 GMT")
        self.send_header("ETag", '"0"')
        self.end_headers()

    def do_GET(self) -> None:
        answer = "<Name>bucket</Name><IsTruncated>false</IsTruncated>"
        body = f'<?xml version="1.0"?><ListBucketResult>{answer}</ListBucketResult>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def store() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "objective.yaml").write_text("components: [{type: QED}]\n")
    (tmp_path / "raw.smi").write_text("CCO\n")
    (tmp_path / "config.yaml").write_text(
        "run: r\ndata: [raw.smi]\nfamilies: {smiles: {}}\nobjective: objective.yaml\n"
    )
    return tmp_path


def _plan(folder: Path, *options: str) -> str:
    """What a dry run says; skipped where the plugins are not there."""
    places = [str(place) for place in (os.environ.get("MOLGEN_TEST_EXTRA"), EXTRA) if place and Path(place).is_dir()]
    if not places:
        pytest.skip("Snakemake's plugins for object stores and other systems are not here; .ci/run puts them aside")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH"), *places]))
    keys = {f"SNAKEMAKE_STORAGE_S3_{name}_KEY": "test" for name in ("ACCESS", "SECRET")}
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
    environment = {**os.environ, "PYTHONPATH": path, "MOLGEN_STATE": "/state", **keys}
    done = subprocess.run(
        [*command, "-n", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for stage in STAGES:
        assert f"\n{stage} " in said, stage
    return said


def _profile(name: str) -> list[str]:
    return ["--workflow-profile", str(ROOT / "workflows" / "profiles" / name)]


def test_a_plan_on_an_object_store(folder: Path, store: str) -> None:
    options = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://bucket/molgen"]
    said = _plan(folder, "--cores", "1", "--storage-s3-endpoint-url", store, *options)
    assert "s3://bucket/molgen/results/r/report.html" in said


def test_a_plan_for_kubernetes(folder: Path, store: str) -> None:
    options = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://bucket/molgen"]
    _plan(folder, *_profile("kubernetes"), "--executor", "dryrun", "--storage-s3-endpoint-url", store, *options)


def test_a_plan_for_a_system_with_a_submit_command(folder: Path) -> None:
    _plan(folder, *_profile("generic"), "--executor", "dryrun")
