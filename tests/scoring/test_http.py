"""Services that behave, refuse, hang, drip, and answer nonsense: a real server on this machine's loopback."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from rdkit import Chem

from molgen.core.errors import SettingsError
from molgen.scoring import http
from molgen.scoring.http import Http, HttpSettings

MOLECULES = [Chem.MolFromSmiles("C" * n) for n in range(1, 9)]
SIZES = [float(n) for n in range(1, 9)]
LENGTHS = lambda smiles: [len(text) for text in smiles]  # noqa: E731


class Service:
    """A server whose answers the test decides: `answer(smiles)` gives a body, or (status, body)."""

    def __init__(self) -> None:
        self.answer: Callable[[list[str]], object] = LENGTHS
        self.requests: list[list[str]] = []
        self.headers: list[dict[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                smiles = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append(smiles)
                service.headers.append(dict(self.headers))
                found = service.answer(smiles)
                status, body = found if isinstance(found, tuple) else (200, found)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                with contextlib.suppress(OSError):  # the client does not wait for the end
                    for part in body if isinstance(body, Iterator) else [json.dumps(body).encode()]:
                        self.wfile.write(part)

            def do_GET(self) -> None:  # what a followed redirect would become
                service.requests.append(["GET"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(SIZES).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/score"

    def scorer(self, **settings: object) -> Http:
        values = {"name": "x", "type": "http", "url": self.url, "timeout": 30, **settings}
        return Http(HttpSettings.parse(values))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.01)
    found = Service()
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_batches_in_order(service: Service) -> None:
    found = service.scorer(batch=3).score([None, *MOLECULES, None])
    np.testing.assert_array_equal(found, [np.nan, *SIZES, np.nan])
    assert [len(request) for request in service.requests] == [3, 3, 2]
    assert service.requests[0] == ["C", "CC", "CCC"]
    assert service.headers[0]["Content-Type"] == "application/json"
    assert "Authorization" not in service.headers[0]


def test_what_is_no_number_is_no_value(service: Service) -> None:
    service.answer = lambda smiles: [None, "high", True, float("nan"), 10**400, [1], 7, 7.5]
    np.testing.assert_array_equal(service.scorer().score(MOLECULES), [np.nan] * 6 + [7, 7.5])


@pytest.mark.parametrize("answer", [{"values": [1]}, [1.0], [1.0] * 9, "x"], ids=["mapping", "short", "long", "text"])
def test_an_answer_of_another_form_is_none(service: Service, answer: object) -> None:
    service.answer = lambda smiles: answer
    assert np.isnan(service.scorer().score(MOLECULES)).all()
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_may_pass_is_tried_again(service: Service, status: int) -> None:
    service.answer = lambda smiles: LENGTHS(smiles) if len(service.requests) > 2 else (status, "busy")
    np.testing.assert_array_equal(service.scorer(retries=2).score(MOLECULES), SIZES)
    assert len(service.requests) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_a_refusal_is_not(service: Service, status: int) -> None:
    service.answer = lambda smiles: (status, "no")
    assert np.isnan(service.scorer().score(MOLECULES)).all()
    assert len(service.requests) == 1


def test_a_batch_that_fails_costs_no_other_one(service: Service) -> None:
    service.answer = lambda smiles: (400, "no") if "CCC" in smiles else LENGTHS(smiles)
    found = service.scorer(batch=2).score(MOLECULES)
    np.testing.assert_array_equal(found, [1, 2, np.nan, np.nan, 5, 6, 7, 8])


def test_pauses_grow(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(http.time, "sleep", pauses.append)
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.5)
    service.answer = lambda smiles: (503, "busy")
    service.scorer(retries=3).score(MOLECULES)
    assert pauses == [0.5, 1.0, 2.0]


def test_a_dead_service_is_tried_once_a_batch_until_it_answers(service: Service) -> None:
    service.answer = lambda smiles: (503, "down") if len(service.requests) < 6 else LENGTHS(smiles)
    found = service.scorer(retries=3, batch=2).score(MOLECULES)
    np.testing.assert_array_equal(found, [np.nan] * 4 + SIZES[4:])
    assert len(service.requests) == 4 + 1 + 1 + 1


def test_no_service_at_all_gives_no_values(service: Service) -> None:
    scorer = service.scorer(retries=1)
    service.server.shutdown()
    service.server.server_close()
    assert np.isnan(scorer.score(MOLECULES)).all()


def test_a_hang_ends_with_the_timeout(service: Service) -> None:
    service.answer = lambda smiles: time.sleep(20) if len(smiles) == 2 else LENGTHS(smiles)
    start = time.monotonic()
    found = service.scorer(batch=3, timeout=1, retries=0).score(MOLECULES)
    assert time.monotonic() - start < 15
    np.testing.assert_array_equal(found, [*SIZES[:6], np.nan, np.nan])


def test_dripping_and_endless_answers_end_too(service: Service) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.1)
            yield b" "

    service.answer = lambda smiles: (200, drip())
    start = time.monotonic()
    assert np.isnan(service.scorer(timeout=1, retries=0).score(MOLECULES)).all()
    assert time.monotonic() - start < 15
    service.answer = lambda smiles: (200, iter([b"[" + b"1," * 1_000_000]))
    assert np.isnan(service.scorer(retries=0).score(MOLECULES)).all()


def test_the_token_comes_from_the_environment(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORER_TOKEN", "a secret")
    scorer = service.scorer(token_env="SCORER_TOKEN")
    scorer.score(MOLECULES)
    assert service.headers[0]["Authorization"] == "Bearer a secret"
    monkeypatch.delenv("SCORER_TOKEN")
    with pytest.raises(SettingsError, match="component 'x': token_env: 'SCORER_TOKEN' is not set; export it first"):
        service.scorer(token_env="SCORER_TOKEN")


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "host:80/x", "http://", "", "https:///x"])
def test_only_web_addresses(url: str) -> None:
    with pytest.raises(SettingsError, match="an address that begins with http:// or https:// is expected"):
        HttpSettings.parse({"name": "x", "type": "http", "url": url})


def test_no_password_in_the_address() -> None:
    with pytest.raises(SettingsError, match="leave the password out of the address"):
        HttpSettings.parse({"name": "x", "type": "http", "url": "https://me:secret@host/x"})
