"""Answer what no route could answer: a page in words, and one line in the log."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.desk.desk_templates import DeskTemplates
from flows.printable import printable

METHODS = ("GET", "HEAD", "POST")  # a client may make up others, and each kind of line is counted by itself
log = logging.getLogger("sitewatch.web")


class Failures:
    """Answers an error that nothing else has answered with a page and status 500."""

    def __init__(self, app: ASGIApp, pages: DeskTemplates) -> None:
        """Around an app."""
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        has_started = False

        async def noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - a server must answer whatever went wrong
            request = Request(scope)
            log_failure(request, error)
            if not has_started:
                await _page(self.pages, request)(scope, receive, send)


def log_failure(request: Request, error: Exception) -> None:
    """Write one line about an error that a person met; addresses are left out, since one may be a position."""
    route = getattr(request.scope.get("route"), "path", "no route")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    # what a line is of stands in the text before its values, by which a log counts the lines of one kind
    method = request.method if request.method in METHODS else "other"
    what = _literal(f"the desk could not answer: {method} {route}: {type(error).__name__}")
    log.error(f"{what}: %s", f"{printable(error)}{place}")


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _page(pages: DeskTemplates, request: Request) -> Response:
    try:
        return pages.show(request, "refused.html", status=500, why="broken")
    except Exception as error:  # noqa: BLE001 - the page itself may be what is broken
        log_failure(request, error)
        return PlainTextResponse("The desk could not do this.", status_code=500)
