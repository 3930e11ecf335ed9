"""In and out."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from flows.desk.guard import FORM_KEY, LOGIN_COOKIE, SESSION_COOKIE, SESSION_LASTS, inside, is_same, key_hash, new_key
from flows.desk.inputs import Account, Desk
from flows.desk.page import Pages, account_of
from flows.desk.passwords import hashed, is_outdated, is_right
from flows.desk.patience import Attempts


def add_login(app: FastAPI, desk: Desk, pages: Pages) -> None:
    """The routes by which people come in and go out."""
    attempts = Attempts()

    def form(request: Request, *, status: int = 200, complaint: str = "", name: str = "", after: str = "/") -> Response:
        key = request.cookies.get(LOGIN_COOKIE) or new_key()
        given = {"complaint": complaint, "name": name, "after": after, "login_key": key}
        answer = pages.show(request, "login.html", status=status, **given)
        answer.set_cookie(LOGIN_COOKIE, key, httponly=True, samesite="strict", secure=_is_secure(request))
        return answer

    @app.get("/login")
    def ask(request: Request) -> Response:
        """The form."""
        return form(request, after=inside(request.query_params.get("next", "/")))

    @app.post("/login")
    def log_in(request: Request) -> Response:
        """In, when name and password are right and were not tried too often."""
        given = request.state.form
        name, after = given.get("name", ""), inside(given.get("next", "/"))
        if not is_same(given.get(FORM_KEY, ""), request.cookies.get(LOGIN_COOKIE, "")):
            return form(request, status=403, complaint="login.again", name=name, after=after)
        if not attempts.take(name, request.client.host if request.client else ""):
            return form(request, status=429, complaint="login.too_often", name=name, after=after)
        account = _known(desk, name)
        if not is_right(given.get("password", ""), None if account is None else account.password_hash):
            number = None if account is None else account.number
            desk.accounts.note("login-failed", by=number, at=desk.clock())
            return form(request, status=403, complaint="login.wrong", name=name, after=after)
        assert account is not None
        attempts.forgive(name)
        if is_outdated(account.password_hash):
            desk.accounts.change(account.name, password_hash=hashed(given["password"]))
        return _opened(request, desk, account, after)

    @app.post("/logout")
    def log_out(request: Request) -> Response:
        """Out."""
        desk.accounts.close_session(key_hash(request.cookies[SESSION_COOKIE]))
        desk.accounts.note("logout", by=account_of(request).number, at=desk.clock())
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer


def _opened(request: Request, desk: Desk, account: Account, after: str) -> Response:
    """A session with a new key: one that was known before the login is worth nothing after it."""
    key, now = new_key(), desk.clock()
    ends_at = now + SESSION_LASTS
    desk.accounts.open_session(key_hash(key), new_key(), account=account.number, at=now, ends_at=ends_at)
    desk.accounts.note("login", by=account.number, at=now)
    answer = RedirectResponse(after, status_code=303)
    lasts = int(SESSION_LASTS.total_seconds())
    answer.set_cookie(SESSION_COOKIE, key, max_age=lasts, httponly=True, samesite="lax", secure=_is_secure(request))
    answer.delete_cookie(LOGIN_COOKIE)
    return answer


def _known(desk: Desk, name: str) -> Account | None:
    account = desk.accounts.find(name)
    return None if account is None or account.closed_at is not None else account


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
