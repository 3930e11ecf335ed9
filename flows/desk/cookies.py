"""Set cookies and read them: names that no other site can set where the desk is served by https."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

SESSION_COOKIE, LOGIN_COOKIE, LANGUAGE_COOKIE = "sitewatch_session", "sitewatch_login", "sitewatch_language"
BROWSER_COOKIE = "sitewatch_browser"
STRICT = {LOGIN_COOKIE, BROWSER_COOKIE}
"""Sent with what the desk's own pages ask for alone; a session also comes with a link from a message."""


def cookie_name(request: Request, name: str) -> str:
    """Return the name under which a cookie is kept: with the prefix ``__Host-`` under https.

    A browser takes such a cookie only from the very host, over https, so a page on a neighbouring host or port that
    speaks http cannot set it.
    """
    return f"__Host-{name}" if is_secure(request) else name


def read_cookie(request: Request, name: str) -> str:
    """Return the value of a cookie, empty where there is none."""
    return request.cookies.get(cookie_name(request, name), "")


def set_cookie(request: Request, answer: Response, name: str, value: str, *, lasts_s: int | None = None) -> None:
    """Have the browser keep a cookie that no script reads, until it is closed where `lasts_s` is None."""
    answer.set_cookie(
        cookie_name(request, name),
        value,
        max_age=lasts_s,
        httponly=True,
        samesite="strict" if name in STRICT else "lax",
        secure=is_secure(request),
    )


def delete_cookie(request: Request, answer: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    answer.delete_cookie(cookie_name(request, name), secure=is_secure(request), httponly=True)


def is_secure(request: Request) -> bool:
    """Whether the browser speaks https, to the desk or to a proxy that is believed."""
    return request.url.scheme == "https"
