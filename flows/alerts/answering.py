"""The page that a link in a message opens: it acknowledges one alert, by a button."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from flows.alerts.errors import AlertsError
from flows.alerts.language import language
from flows.alerts.signing import Answer, read_token

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
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
    secret: str, acknowledge: Callable[[Answer], None], *, clock: Callable[[], datetime], lang: str = "en"
) -> FastAPI:
    """An app that serves ``/acknowledge``: opening a link shows a button, and only the button acknowledges.

    Programs that look at mail open links before people do, so opening one must change nothing. `acknowledge` notes an
    answer; it may raise `AlertsError`. A token that is not genuine or has expired is answered with 403 and the reason.
    """
    app = FastAPI(title="Sitewatch", docs_url=None, redoc_url=None, openapi_url=None)
    words = language(lang)

    @app.get("/acknowledge")
    def show(token: str = "") -> HTMLResponse:
        """The button."""
        try:
            answer = read_token(secret, token, now=clock())
        except AlertsError as error:
            return _page(lang, f"<p>{escape(str(error))}</p>", 403)
        question = escape(words.say("answer.question", alert=answer.alert_id, by=answer.by))
        return _page(lang, BUTTON.format(question=question, token=escape(token), label=words.say("answer.button")))

    @app.post("/acknowledge")
    def note(token: str = "") -> HTMLResponse:
        """The alert is acknowledged."""
        try:
            answer = read_token(secret, token, now=clock())
            acknowledge(answer)
        except AlertsError as error:
            return _page(lang, f"<p>{escape(str(error))}</p>", 403)
        return _page(lang, f"<p>{escape(words.say('answer.done', alert=answer.alert_id, by=answer.by))}</p>")

    return app


def _page(lang: str, content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(PAGE.format(lang=lang, content=content), status_code=status, headers=HEADERS)
