"""The page that a link in a message opens: it acknowledges one alert, by a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from html import escape

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from flows.alerts.errors import AlertsError
from flows.alerts.language import language
from flows.alerts.signing import Acknowledgement, read_token
from flows.printable import printable

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sitewatch</title></head>
<body style="font:18px/1.5 sans-serif;max-width:32em;margin:0 auto;padding:24px 16px;overflow-wrap:anywhere">
{content}
</body></html>
"""
BUTTON = """<p>{question}</p><form method="post" action="?token={token}">
<button style="font:inherit;padding:12px 20px">{label}</button></form>"""


def answer_app(
    secrets: str | Sequence[str],
    acknowledge: Callable[[Acknowledgement], bool],
    *,
    clock: Callable[[], datetime],
    hosts: Sequence[str],
    lang: str = "en",
) -> FastAPI:
    """Make an app that serves ``/acknowledge``: opening a link shows a button, and only the button acknowledges.

    Programs that look at mail open links before people do, so opening one must change nothing.

    Parameters
    ----------
    secrets
        What links may be signed with.
    acknowledge
        Notes an answer; False where the record names somebody else already. It may raise `AlertsError`.
    clock
        The present instant.
    hosts
        The names under which browsers may ask: any other is refused, since a page elsewhere could point its own name
        here.
    lang
        The language of the page.

    Returns
    -------
    FastAPI
        A token that is not genuine or has expired is answered with 403 and the reason.
    """
    app = FastAPI(title="Sitewatch", docs_url=None, redoc_url=None, openapi_url=None)
    words = language(lang)

    @app.get("/acknowledge")
    def show(token: str = "") -> HTMLResponse:
        """Show the button."""
        try:
            answer = read_token(secrets, token, now=clock())
        except AlertsError as error:
            return _refused(lang, error)
        question = escape(words.say("answer.question", alert=answer.alert_id, by=answer.by))
        return _page(lang, BUTTON.format(question=question, token=escape(token), label=words.say("answer.button")))

    @app.post("/acknowledge")
    def note(token: str = "") -> HTMLResponse:
        """Acknowledge the alert, and say who is on record for it."""
        try:
            answer = read_token(secrets, token, now=clock())
            outcome = "done" if acknowledge(answer) else "already"
        except AlertsError as error:
            return _refused(lang, error)
        return _page(lang, f"<p>{escape(words.say(f'answer.{outcome}', alert=answer.alert_id, by=answer.by))}</p>")

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.middleware("http")(_with_headers)  # added last, so that refusals of a host have them too
    return app


async def _with_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    response.headers.update(HEADERS)
    return response


def _refused(lang: str, error: AlertsError) -> HTMLResponse:
    return _page(lang, f"<p>{escape(printable(error))}</p>", 403)


def _page(lang: str, content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(lang=lang, content=content), status_code=status)
