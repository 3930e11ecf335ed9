"""Refuse foreign hosts, foreign origins and callers without the secret, before Prefect's server sees a request."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
DOCUMENTED = ("/docs", "/redoc", "/openapi.json")
PROBES = ("/api/health", "/api/ready")
# Prefect's page counts its visitors at another company, and needs nothing from anybody else.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"
HEADERS = {"content-security-policy": POLICY, "x-frame-options": "DENY", "referrer-policy": "no-referrer"}


def guarded(app: ASGIApp, *, names: Sequence[str], secret: str) -> ASGIApp:
    """Return the application behind all three checks.

    Parameters
    ----------
    app
        Prefect's server.
    names
        Hosts under which it may be asked besides those of loopback; without port.
    secret
        What a caller gives by HTTP Basic authentication, ``user:password``.

    Returns
    -------
    ASGIApp
        An application that answers 400 to another ``Host`` (a name on the web that was made to point here), 403 to
        the ``Origin`` of another page, 401 to a caller without the secret. Prefect's own page and the probes of
        health need no secret; the page asks for it in the browser, and asks no other host for anything.
    """
    return TrustedHostMiddleware(_OriginCheck(_SecretCheck(app, secret)), [*LOOPBACK, *names], www_redirect=False)


class _OriginCheck:
    """Answers pages of the same host alone; programs send no origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            origins = headers.getlist("origin")
            if any(not _is_same(origin, headers.get("host", "")) for origin in origins):
                await PlainTextResponse("Foreign origin", status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, _with_headers(send))


class _SecretCheck:
    """Asks for the secret wherever more than Prefect's page is to be had.

    Prefect asks for it as well; this check does not depend on how a later version of it reads a path. A websocket of a
    browser can send no such header: there Prefect asks by the first message.
    """

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._expected = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_closed(scope) and not self._is_known(Headers(scope=scope)):
            refusal = JSONResponse({"exception_message": "Unauthorized"}, status_code=401)  # Prefect's own words
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except ValueError:
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, self._expected)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sent


def _is_same(origin: str, host: str) -> bool:
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _is_closed(scope: Scope) -> bool:
    path = scope["path"]
    if path in PROBES:
        return scope["method"] not in ("GET", "HEAD")
    return path == "/api" or str(path).startswith(("/api/", *DOCUMENTED))
