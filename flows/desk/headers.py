"""What every answer carries, and what no request may be."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 100_000  # of a form: a note of 10,000 letters in any alphabet, escaped
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # none at all would also take away the origin by which forms are told apart
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Headers:
    """Adds the headers of `SECURITY` to every answer, and refuses a body that is too long or of unknown length."""

    def __init__(self, app: ASGIApp) -> None:
        """Around an app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        app = self.app if _is_short(scope) else PlainTextResponse("The form is too long.", status_code=413)
        await app(scope, receive, secured)


def _is_short(scope: Scope) -> bool:
    if scope["method"] in ("GET", "HEAD"):
        return True
    given = dict(scope["headers"]).get(b"content-length", b"")
    return given.isdigit() and int(given) <= MOST_BYTES
