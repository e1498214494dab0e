"""What stands before every request: who may ask, how much may be sent, and what a browser is told about the answer."""

from __future__ import annotations

import secrets
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "molgen_token"
LOCAL = {"localhost", "127.0.0.1", "[::1]"}
LARGEST = 2_000_000  # bytes of a request
LARGEST_IMPORT = 20_000_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class TooLarge(Exception):  # noqa: N818 (an answer to a client, not a failure)
    """A request that goes on after its limit."""


class Guard:
    """Middleware. Without a token only requests to a local name are answered, so that no page elsewhere can ask
    through a name of its own (DNS rebinding); with one, every request needs it, as a cookie or in the first address."""

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        limit = LARGEST_IMPORT if scope["path"] == "/api/import" else LARGEST
        length = headers.get("content-length", "0")
        if refusal is None and length.isdigit() and int(length) > limit:
            refusal = _said(413, f"larger than {limit / 1e6:.0f} MB")
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            await self.app(scope, _limited(receive, limit), guarded)
        except TooLarge:
            await _said(413, f"larger than {limit / 1e6:.0f} MB")(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Any:
        host = headers.get("host", "")
        if self.token is None:
            if host.rpartition(":")[0] not in LOCAL and host not in LOCAL:
                return _said(403, "this server answers on this machine only; start it with --host to share it")
        elif not self._known(headers):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            given = query.pop("token", [""])[0]
            if not secrets.compare_digest(given.encode(), self.token.encode()):
                return _said(401, "open the address with the token that `molgen review` printed")
            answer = RedirectResponse(f"{scope['path']}?{urlencode(query, doseq=True)}".rstrip("?"), 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
            return answer
        if scope["method"] not in {"GET", "HEAD"}:
            origin = headers.get("origin")
            if origin is not None and origin.partition("://")[2] != host:
                return _said(403, "asked by another site")
            if not headers.get("content-type", "").startswith("application/json"):
                return _said(415, "JSON is expected")
        return None

    def _known(self, headers: Headers) -> bool:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), str(self.token).encode())


def _said(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)


def _limited(receive: Receive, limit: int) -> Receive:
    """The body as it comes, up to its limit: a length is only what the sender says."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge
        return message

    return limited
