"""The server: what it answers, whom it refuses, and that no text of a user becomes markup or a formula."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import uvicorn
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molgen.report.exports import rows_of, xlsx_bytes
from molgen.report.sheet import Sheet
from molgen.review.events import Events
from molgen.review.guard import COOKIE, LARGEST, LARGEST_IMPORT
from molgen.review.library import read_query
from molgen.review.review import open_port
from molgen.review.sketcher import sketcher

from .conftest import Client, serving
from .test_events import said

EVIL = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\uff1d1+1",
    "\n@SUM(1)",
    "'; DROP TABLE event; --",
    '"><img src=x onerror=alert(1)>',
)

FORMULAS = EVIL[1:4]


def test_the_page_runs_only_scripts_of_the_server(client: Client) -> None:
    page = client.get("/")
    assert page.status == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    text = page.body.decode()
    assert '<script src="static/page.js">' in text
    assert text.count("<script") == 2  # the other one holds data and does not run
    assert " style=" not in text
    assert client.get("/static/page.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/page.css").headers["x-content-type-options"] == "nosniff"


def test_the_table_is_the_sheet(client: Client, sheet: Sheet) -> None:
    import gzip

    table = json.loads(gzip.decompress(client.get("/api/table").body))
    assert table["smiles"] == sheet.smiles
    assert table["values"]["MW"] == pytest.approx(sheet.table["MW"].to_pylist(), abs=1e-4)
    assert table["components"] == ["QED", "SA", "TPSA"]


def test_pictures_with_marks_of_what_was_searched(client: Client, sheet: Sheet) -> None:
    query = "C(=O)N"
    found = client.post("/api/pictures", {"rows": [0, 5], "aligned": True, "query": query}).json()["pictures"]
    for row, picture in zip((0, 5), found, strict=True):
        mol = Chem.MolFromSmiles(sheet.smiles[row])
        assert picture["svg"].startswith('<svg class="mol"')
        assert picture["match"] == list(mol.GetSubstructMatch(Chem.MolFromSmarts(query)))


@pytest.mark.parametrize("query", ["c1ccccc1", "C(=O)N", "[NX3;H1]", "[r5]", "Cl"])
def test_substructures_are_those_of_rdkit(client: Client, sheet: Sheet, query: str) -> None:
    wanted = Chem.MolFromSmarts(query)
    has = [row for row, smiles in enumerate(sheet.smiles) if Chem.MolFromSmiles(smiles).HasSubstructMatch(wanted)]
    assert client.post("/api/substructure", {"query": query}).json()["rows"] == has


@pytest.mark.parametrize(
    ("drawn", "meant"),
    [
        ("C1=CC=CC=C1", "c1ccccc1"),
        ("CN1C=CC=N1", "Cn1cccn1"),
        ("C1=CNC=C1", "c1ccnc1"),  # any substituent at the nitrogen
        ("C1CC=CC1", "C1CC=CC1"),  # not aromatic
        ("c1ccccc1C=O", "c1ccccc1C=O"),  # as it is
        ("[#6]1=CC=CC=C1", "[#6]1=CC=CC=C1"),  # no SMILES
    ],
)
def test_rings_with_double_bonds_are_read_as_aromatic_ones(drawn: str, meant: str) -> None:
    assert Chem.MolToSmarts(read_query(drawn)) == Chem.MolToSmarts(Chem.MolFromSmarts(meant))


def test_the_sketcher_is_served_where_it_is_installed(app_of, tmp_path: Path) -> None:
    assert sketcher(str(tmp_path)) is None
    file = tmp_path / "node_modules" / "openchemlib" / "dist" / "openchemlib.js"
    file.parent.mkdir(parents=True)
    file.write_text("export const CanvasEditor = null;")
    found = sketcher(str(tmp_path))
    assert found == file
    with serving(app_of(tmp_path / "d.sqlite", sketcher=found)) as server:
        answer = server.get("/static/sketcher.js")
        assert (answer.body, answer.headers["content-type"]) == (file.read_bytes(), "text/javascript; charset=utf-8")
    with serving(app_of(tmp_path / "e.sqlite")) as server:
        assert server.get("/static/sketcher.js").status == 404


def test_similarities_are_those_of_rdkit(client: Client, sheet: Sheet) -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    query = "CC(=O)Nc1ccc(O)cc1"
    mine = generator.GetFingerprint(Chem.MolFromSmiles(query))
    others = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in sheet.smiles]
    found = client.post("/api/similar", {"smiles": query}).json()["similarity"]
    assert found == pytest.approx(DataStructs.BulkTanimotoSimilarity(mine, others), abs=1e-4)


def test_known_molecules_come_with_the_atoms_that_differ(client: Client, sheet: Sheet) -> None:
    (near,) = client.get("/api/molecule/1").json()["near"]
    assert near["set"] == "training set"
    assert near["smiles"] == sheet.table["nearest"][1].as_py()
    assert near["changed_here"]
    assert max(near["changed_here"]) < Chem.MolFromSmiles(sheet.smiles[1]).GetNumAtoms()


def test_decisions_are_kept_and_two_reviewers_see_each_other(client: Client, sheet: Sheet) -> None:
    one = said(1, reviewer="ann", smiles=sheet.smiles[0])
    two = said(2, value="reject", reviewer="bob", smiles=sheet.smiles[0])
    assert client.post("/api/events", {"events": [one]}).json() == {"added": 1}
    assert client.post("/api/events", {"events": [one, two]}).json() == {"added": 1}
    found = client.get("/api/events?after=0").json()["events"]
    assert [(e["reviewer"], e["value"]) for e in found] == [("ann", "like"), ("bob", "reject")]
    assert client.get(f"/api/events?after={found[0]['seq']}").json()["events"] == found[1:]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/substructure", {"query": "C1CC"}, 400, "not a SMARTS"),
        ("/api/substructure", {"query": "C" * 1_001}, 400, "longer than"),
        ("/api/substructure", {"query": 5}, 400, "a text is expected"),
        ("/api/similar", {"smiles": "nonsense"}, 400, "not a molecule"),
        ("/api/pictures", {"rows": [-1]}, 400, "whole numbers"),
        ("/api/pictures", {"rows": [True]}, 400, "whole numbers"),
        ("/api/pictures", {"rows": [0] * 301}, 413, "more than 300"),
        ("/api/events", {"events": [{"id": "short"}]}, 400, "event 1"),
        ("/api/events", [], 400, "an object is expected"),
        ("/api/events", b"{", 400, "not JSON"),
        ("/api/events", b"[" * 100_000, 400, "not JSON"),
        ("/api/events", b" " * (LARGEST + 1), 413, "larger than 2 MB"),
        ("/api/import", b" " * (LARGEST_IMPORT + 1), 413, "larger than 20 MB"),
        ("/api/export", {"format": "exe", "rows": []}, 400, "one of csv"),
    ],
)
def test_what_cannot_be_answered_is_said(client: Client, path: str, body: object, status: int, message: str) -> None:
    answer = client.post(path, body)
    assert (answer.status, message in answer.json()["error"]) == (status, True)


def test_a_body_without_its_length_is_limited_too(client: Client) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    connection.request(
        "POST", "/api/events", iter([b" " * 500_000] * 6), {"Content-Type": "application/json"}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_other_sites_are_refused(client: Client) -> None:
    assert client.get("/", Host="evil.example:80").status == 403
    assert client.get("/api/table", Host=f"127.0.0.1.evil.example:{client.port}").status == 403
    assert client.get("/", Host=f"localhost:{client.port}").status == 200
    assert client.post("/api/events", {"events": []}, Origin="http://evil.example").status == 403
    assert client.ask("POST", "/api/events", b"{}", Content_Type="text/plain").status == 415


def test_a_shared_server_asks_for_its_token(app_of, tmp_path: Path) -> None:
    with serving(app_of(tmp_path / "d.sqlite", token="s3cret")) as shared:
        for path in ("/", "/api/table", "/api/events", "/?token=wrong", "/static/page.js"):
            assert shared.get(path).status == 401, path
        first = shared.get("/?token=s3cret")
        assert first.status == 303
        assert first.headers["location"] == "/"
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert shared.get("/", Cookie=f"{COOKIE}=s3cret").status == 200
        assert shared.get("/", Cookie=f"{COOKIE}=wrong").status == 401
        assert shared.post("/api/events", {"events": []}, Cookie=f"{COOKIE}=s3cret").status == 200


def test_read_only_shows_and_takes_nothing(app_of, tmp_path: Path, sheet: Sheet) -> None:
    from .test_events import events

    Events(tmp_path / "d.sqlite").add(events(said(1, smiles=sheet.smiles[0])))
    with serving(app_of(tmp_path / "d.sqlite", readonly=True)) as shown:
        for path in ("/api/events", "/api/import"):
            assert shown.post(path, {"events": [said(2)]}).status == 403
        assert len(shown.get("/api/events").json()["events"]) == 1


@pytest.mark.parametrize("text", EVIL)
def test_hostile_comments_stay_text_in_every_file(app_of, tmp_path: Path, sheet: Sheet, text: str) -> None:
    with serving(app_of(tmp_path / "d.sqlite")) as server:
        smiles = sheet.smiles[0]
        batch = [said(1, "comment", text, smiles=smiles), said(2, "tag", text[:60], smiles=smiles)]
        assert server.post("/api/events", {"events": batch}).json() == {"added": 2}
        assert server.get("/api/events").json()["events"][0]["value"] == text
        wanted = {"rows": [0, 1], "columns": [], "reviewer": "ann"}
        answer = server.post("/api/export", {"format": "csv", **wanted}).body.decode()
        row = next(csv.DictReader(io.StringIO(answer, newline="")))
        assert row["comment"] == (f"'{text}" if text in FORMULAS else text)
        assert not any(cell.startswith(("=", "+", "@", "\uff1d", "\n")) for cell in row.values())
        book = server.post("/api/export", {"format": "xlsx", **wanted}).body
        with zipfile.ZipFile(io.BytesIO(book)) as parts:
            cells = parts.read("xl/worksheets/sheet1.xml").decode()
            assert len([n for n in parts.namelist() if n.startswith("xl/media/")]) == 2
        assert "<f>" not in cells
        assert "<script" not in cells


def test_files_hold_the_chosen_rows_and_columns(client: Client, sheet: Sheet) -> None:
    wanted = {"rows": [3, 1], "columns": ["rank", "MW"], "brief": True}
    lines = client.post("/api/export", {"format": "csv", **wanted}).body.decode().splitlines()
    assert lines[0] == "smiles,rank,MW"
    assert [line.split(",")[:2] for line in lines[1:]] == [[sheet.smiles[3], "4"], [sheet.smiles[1], "2"]]
    text = client.post("/api/export", {"format": "smi", **wanted}).body.decode()
    assert text == f"{sheet.smiles[3]} candidate-4\n{sheet.smiles[1]} candidate-2\n"
    sdf = client.post("/api/export", {"format": "sdf", "rows": [3, 1]}).body
    mols = list(Chem.ForwardSDMolSupplier(io.BytesIO(sdf)))
    assert [Chem.MolToSmiles(m) for m in mols] == [sheet.smiles[3], sheet.smiles[1]]
    assert float(mols[0].GetProp("MW")) == pytest.approx(sheet.table["MW"][3].as_py(), rel=1e-4)


def test_an_empty_export_is_a_file_all_the_same(sheet: Sheet) -> None:
    assert zipfile.is_zipfile(io.BytesIO(xlsx_bytes(rows_of(sheet, []))))


def serve_until_killed(app_of, file: Path, port: int) -> None:
    listening = open_port("127.0.0.1", port)
    uvicorn.Server(uvicorn.Config(app_of(file), log_level="critical", lifespan="off")).run([listening])


def test_nothing_acknowledged_is_lost_in_twenty_kills_of_the_server(app_of, tmp_path: Path, sheet: Sheet) -> None:
    with open_port("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    client, chance, acknowledged, place = Client(port), random.Random(1), set[str](), 0
    context = multiprocessing.get_context("fork")
    for _ in range(20):
        server = context.Process(target=serve_until_killed, args=(app_of, tmp_path / "d.sqlite", port))
        server.start()
        until, started = None, time.monotonic()
        while until is None or time.monotonic() < until:
            event = said(place, smiles=sheet.smiles[place % 12], reviewer=("ann", "bob")[place % 2])
            try:
                if client.post("/api/events", {"events": [event]}).json() == {"added": 1}:
                    acknowledged.add(event["id"])
                    until = until or time.monotonic() + chance.uniform(0, 0.1)
            except OSError:  # not there yet
                assert time.monotonic() < started + 60
                time.sleep(0.02)
            place += 1
        os.kill(server.pid or 0, signal.SIGKILL)
        server.join()
    kept = Events(tmp_path / "d.sqlite").after()
    assert len(acknowledged) >= 20
    assert acknowledged <= {event["id"] for event in kept}
    assert {event["reviewer"] for event in kept} == {"ann", "bob"}


def test_ctrl_c_ends_it_also_after_searches_of_rdkit(reviewed: Path) -> None:
    with open_port("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from molgen.cli.main import main; main()", "review", str(reviewed)]
    with subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.PIPE, text=True) as server:
        client, started = Client(port), time.monotonic()
        for query in ("c1ccccc1", "C=O", "[#7]"):
            while True:
                try:
                    assert client.post("/api/substructure", {"query": query}).status == 200
                    break
                except OSError:  # not there yet
                    assert server.poll() is None
                    assert time.monotonic() < started + 60
                    time.sleep(0.1)
        server.send_signal(signal.SIGINT)
        _, error = server.communicate(timeout=30)
    assert (server.returncode, error) == (130, "molgen: interrupted; run the same command again\n")
