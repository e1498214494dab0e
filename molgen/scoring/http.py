"""HTTP component: a service that gets a JSON list of SMILES by POST and answers a JSON list of numbers (or null).

As with `external`, what is not answered is NaN: a molecule without a value is reported, and the run goes on.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.parse import urlsplit

import numpy as np
from pydantic import Field, field_validator
from rdkit import Chem

from molgen.core.errors import SettingsError
from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules

FIRST_PAUSE = 0.5  # seconds before the first repeat; each further pause is twice as long
TRY_AGAIN = {408, 429, 500, 502, 503, 504}  # statuses that may pass; any other refusal will be the same again
LARGEST = 1_000_000  # bytes of an answer, beside 1,000 a molecule
PART = 65_536


class HttpSettings(ComponentSettings):
    """`url` is http or https. No secret stands in the file: `token_env` names the environment variable that has it."""

    url: str
    timeout: float = Field(default=60.0, gt=0)  # seconds that one request may take
    retries: int = Field(default=3, ge=0, le=20)  # of a request that failed in a way that may pass
    batch: int = Field(default=256, ge=1)  # SMILES a request
    token_env: str | None = None  # sent as `Authorization: Bearer ...`
    unit: str = ""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address that begins with http:// or https:// is expected")
        if parts.username or parts.password:
            raise ValueError("leave the password out of the address, it would be written to provenance; use token_env")
        return url


class Http:
    """What the service answers to each molecule's canonical SMILES."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = HttpSettings
    usual = (float("nan"), float("nan"))

    def __init__(self, settings: HttpSettings) -> None:
        self.name, self.unit = settings.name, settings.unit
        self.meaning = f"what {settings.url} answers"
        self._settings, self._token = settings, _token(settings)
        self._answers = True  # whether the last request was answered

    def score(self, molecules: Molecules) -> np.ndarray:
        """The answers, in order."""
        values = np.full(len(molecules), NO_VALUE)
        there = [i for i, mol in enumerate(molecules) if mol is not None]
        for start in range(0, len(there), self._settings.batch):
            batch = there[start : start + self._settings.batch]
            values[batch] = self._ask([Chem.MolToSmiles(molecules[i]) for i in batch])
        return values

    def _ask(self, smiles: list[str]) -> list[float]:
        """The values of a batch; all NaN when no try was answered.

        While the service is down, each further batch is tried once and without a pause: a dead one costs no hours.
        """
        tries = 1 + (self._settings.retries if self._answers else 0)
        for turn in range(tries):
            if turn:
                time.sleep(FIRST_PAUSE * 2 ** (turn - 1))
            try:
                answer = self._post(smiles)
            except urllib.error.HTTPError as error:
                self._answers = error.code not in TRY_AGAIN
                if self._answers:
                    break
            except (OSError, HTTPException, ValueError):  # no connection, a time-out, half an answer, no JSON
                self._answers = False
            else:
                self._answers = True
                return _numbers(answer, len(smiles))
        return [NO_VALUE] * len(smiles)

    def _post(self, smiles: Sequence[str]) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._settings.url, json.dumps(smiles).encode(), headers)
        deadline = time.monotonic() + self._settings.timeout
        body, most = bytearray(), LARGEST + 1_000 * len(smiles)
        with _OPENER.open(request, timeout=self._settings.timeout) as response:
            while part := response.read1(PART):  # piece by piece: a service may drip for ever without a time-out
                body += part
                if time.monotonic() > deadline or len(body) > most:
                    raise TimeoutError
        return json.loads(body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without the SMILES, and might carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _token(settings: HttpSettings) -> str | None:
    if settings.token_env is None:
        return None
    token = os.environ.get(settings.token_env)
    if not token:
        raise SettingsError(
            f"component {settings.name!r}: token_env: {settings.token_env!r} is not set; export it first"
        )
    return token


def _numbers(answer: Any, count: int) -> list[float]:
    """The values in an answer; all NaN for one of another length, whose order cannot be trusted."""
    if not isinstance(answer, list) or len(answer) != count:
        return [NO_VALUE] * count
    return [_number(value) for value in answer]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NO_VALUE
    try:
        number = float(value)
    except OverflowError:
        return NO_VALUE
    return number if np.isfinite(number) else NO_VALUE
