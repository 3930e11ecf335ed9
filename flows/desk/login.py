"""In and out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from flows.desk.cookies import BROWSER_COOKIE, LOGIN_COOKIE, SESSION_COOKIE, delete_cookie, read_cookie, set_cookie
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.guard import FORM_KEY, SESSION_LASTS, inside, is_same, key_hash, new_key
from flows.desk.hashing import LONGEST_WAIT_S, HashingQueue, TooBusyError
from flows.desk.inputs import Desk
from flows.desk.known_browser import KNOWN_FOR, browser_token, known_browser
from flows.desk.login_limits import Attempts
from flows.desk.passwords import is_outdated, is_right, rehashed
from flows.records.desk import Account


def add_login(app: FastAPI, desk: Desk, pages: DeskTemplates, hashing: HashingQueue) -> None:
    """The routes by which people come in and go out."""
    entrance = Entrance(desk, pages, hashing, Attempts())
    app.get("/login")(entrance.ask)
    app.post("/login")(entrance.log_in)
    app.post("/logout")(entrance.log_out)


@dataclass(frozen=True)
class Entrance:
    """Where people log in and out."""

    desk: Desk
    pages: DeskTemplates
    hashing: HashingQueue
    attempts: Attempts

    def ask(self, request: Request) -> Response:
        """Show the form."""
        return self._form(request, after=inside(request.query_params.get("next", "/")))

    async def log_in(self, request: Request) -> Response:
        """Let somebody in when name and password are right and were not tried too often."""
        given = request.state.form
        name, password = given.get("name", ""), given.get("password", "")
        if not is_same(given.get(FORM_KEY, ""), read_cookie(request, LOGIN_COOKIE)):
            return await self._refused(request, 403, "login.again")
        account = await run_in_threadpool(self._open_account, name)
        browser = known_browser(read_cookie(request, BROWSER_COOKIE), account)
        if not self.attempts.take(name, address_of(request), browser=browser):
            return await self._refused(request, 429, "login.too_often")
        try:
            rehash = await self.hashing.run(partial(_checked, password, account))
        except TooBusyError:
            return await self._refused(request, 503, "login.busy")
        if account is None or rehash is None:
            await run_in_threadpool(self._note_failure, account)
            return await self._refused(request, 403, "login.wrong")
        self.attempts.forgive(name, address_of(request), browser=browser)
        return await run_in_threadpool(self._let_in, request, account, rehash)

    def log_out(self, request: Request) -> Response:
        """End the session."""
        self.desk.accounts.close_session(key_hash(read_cookie(request, SESSION_COOKIE)))
        self.desk.accounts.note("logout", by=account_of(request).number, at=self.desk.clock())
        answer = RedirectResponse("/login", status_code=303)
        delete_cookie(request, answer, SESSION_COOKIE)
        return answer

    def _form(
        self, request: Request, *, status: int = 200, complaint: str = "", name: str = "", after: str = "/"
    ) -> Response:
        key = read_cookie(request, LOGIN_COOKIE) or new_key()
        given = {"complaint": complaint, "name": name, "after": after, "login_key": key}
        answer = self.pages.show(request, "login.html", status=status, **given)
        set_cookie(request, answer, LOGIN_COOKIE, key)
        return answer

    async def _refused(self, request: Request, status: int, complaint: str) -> Response:
        """The form again, with the reason why nobody came in."""
        given = request.state.form
        name, after = given.get("name", ""), inside(given.get("next", "/"))
        show = partial(self._form, request, status=status, complaint=complaint, name=name, after=after)
        answer = await run_in_threadpool(show)
        if status == 503:
            answer.headers["Retry-After"] = str(int(LONGEST_WAIT_S))
        return answer

    def _open_account(self, name: str) -> Account | None:
        account = self.desk.accounts.find(name)
        return None if account is None or account.closed_at is not None else account

    def _note_failure(self, account: Account | None) -> None:
        number = None if account is None else account.number
        self.desk.accounts.note("login-failed", by=number, at=self.desk.clock())

    def _let_in(self, request: Request, account: Account, rehash: str) -> Response:
        if rehash:
            account = self.desk.accounts.change(account.name, password_hash=rehash)
        self.desk.accounts.note("login", by=account.number, at=self.desk.clock())
        return open_session(request, self.desk, account, inside(request.state.form.get("next", "/")))


def open_session(request: Request, desk: Desk, account: Account, after: str) -> Response:
    """Open a session with a new key and go on to an address; a key that was known before is worth nothing.

    The browser is known to the account from now on.
    """
    key, now = new_key(), desk.clock()
    ends_at = now + SESSION_LASTS
    desk.accounts.open_session(key_hash(key), new_key(), account=account.number, at=now, ends_at=ends_at)
    answer = RedirectResponse(after, status_code=303)
    set_cookie(request, answer, SESSION_COOKIE, key, lasts_s=int(SESSION_LASTS.total_seconds()))
    set_cookie(request, answer, BROWSER_COOKIE, browser_token(account), lasts_s=KNOWN_FOR)
    delete_cookie(request, answer, LOGIN_COOKIE)
    return answer


def address_of(request: Request) -> str:
    """Return the address of who asks: of the other end, or what a proxy that is believed says."""
    return request.client.host if request.client else ""


def _checked(password: str, account: Account | None) -> str | None:
    """None for a wrong password; else a new hash to keep, empty where the old one is good enough."""
    if not is_right(password, None if account is None else account.password_hash):
        return None
    assert account is not None
    return rehashed(password) if is_outdated(account.password_hash) else ""
