"""Who is asking, and whether they may: run before every route."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from flows.desk.access import ROUTES, Need, may
from flows.desk.cookies import SESSION_COOKIE, read_cookie
from flows.desk.inputs import Desk
from flows.records.desk import DeskSession

SESSION_LASTS = timedelta(hours=12)
FORM_KEY = "form_key"
LONGEST_ADDRESS = 2_000


class LoginNeeded(Exception):
    """Nobody is logged in; `after` is where to go then."""

    def __init__(self, after: str) -> None:
        """To be answered with the way to the login."""
        super().__init__(after)
        self.after = after


def key_hash(key: str) -> str:
    """What is kept of a session's key: whoever reads the record cannot log in with it."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(32)


async def check(request: Request, desk: Desk) -> None:
    """The request may go on: `request.state` then has the `session` (None for everybody's routes) and the `form`.

    Raises `LoginNeeded`, or an `HTTPException` with 400, 401, 403 or 404.
    """
    need = need_of(request)
    request.state.form = await _form(request)
    _check_letters(request)
    request.state.session = session = await run_in_threadpool(_session, request, desk)
    if request.method == "POST":
        _check_origin(request)
    if need.role is None:
        return
    if session is None:
        if request.method == "POST":
            raise HTTPException(401)
        raise LoginNeeded(_address(request))
    if not may(session.account, need):
        raise HTTPException(403, "role")
    if request.method == "POST" and not is_same(request.state.form.get(FORM_KEY, ""), session.form_key):
        raise HTTPException(403, "form")


def need_of(request: Request) -> Need:
    """What the route asks for; one that is not in the table is not served."""
    path = getattr(request.scope.get("route"), "path", "")
    need = ROUTES.get((request.method, path))
    if need is None:
        raise HTTPException(404)
    return need


def is_same(given: str, kept: str) -> bool:
    """Whether two keys are the same, in a time that tells nothing."""
    return bool(kept) and hmac.compare_digest(given.encode(), kept.encode())


def inside(address: str) -> str:
    """Return the address if it is a path of the desk, else that of the queue.

    Browsers take two slashes for another host, and a backslash for a slash.
    """
    is_path = address.startswith("/") and not address.startswith("//") and len(address) <= LONGEST_ADDRESS
    is_plain = "\\" not in address and all(" " < letter < "\x7f" for letter in address)
    return address if is_path and is_plain else "/"


def to_login(after: str) -> Response:
    """The way to the login, and back."""
    return RedirectResponse(f"/login?next={quote(after, safe='')}", status_code=303)


def _session(request: Request, desk: Desk) -> DeskSession | None:
    key = read_cookie(request, SESSION_COOKIE)
    return desk.accounts.session(key_hash(key), at=desk.clock()) if key else None


async def _form(request: Request) -> Mapping[str, str]:
    if request.method != "POST":
        return {}
    form = await request.form(max_files=0, max_fields=20)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _check_letters(request: Request) -> None:
    """Refuse what nobody can type and no database takes: the character of number 0, and half characters."""
    given = (*request.path_params.values(), *request.state.form.values(), *request.query_params.values())
    if any("\0" in str(text) or any("\ud800" <= c <= "\udfff" for c in str(text)) for text in given):
        raise HTTPException(400)


def _check_origin(request: Request) -> None:
    """A form that another site's page sends is refused, whatever it carries."""
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host"):
        raise HTTPException(403, "form")


def _host_of(origin: str) -> str:
    """The host and port of an origin, empty where there is none to be read."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
