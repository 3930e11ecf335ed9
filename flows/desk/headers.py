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
    "X-DNS-Prefetch-Control": "off",  # or a browser asks for the host of a link before anybody follows it
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Headers:
    """Adds the headers of `SECURITY` to every answer, and refuses a body that is too long or of unknown length.

    What a body says of its length is not believed: its bytes are counted as they come, and the app gets it whole.
    """

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

        if scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, secured)
            return
        body = await _body(receive) if _is_short(scope) else None
        if body is None:
            await PlainTextResponse("The form is too long.", status_code=413)(scope, receive, secured)
        elif body["type"] == "http.request":  # else the other side has gone
            await self.app(scope, _given(body, receive), secured)


async def _body(receive: Receive) -> Message | None:
    """The whole body as one message, None where it is too long; what says that the other side has gone, if it has."""
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        content += message.get("body", b"")
        if len(content) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(content), "more_body": False}


def _given(body: Message, receive: Receive) -> Receive:
    """Gives a body first, then what else comes."""
    waiting = [body]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given


def _is_short(scope: Scope) -> bool:
    """Whether a body says that it is short, in one way only."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    if any(name == b"transfer-encoding" for name, _ in scope["headers"]) or len(lengths) != 1:
        return False
    return lengths[0].isdigit() and len(lengths[0]) < 10 and int(lengths[0]) <= MOST_BYTES
