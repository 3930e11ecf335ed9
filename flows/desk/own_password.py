"""A person changes their own password."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.errors import DeskError
from flows.desk.hashing import LONGEST_WAIT_S, HashingQueue, TooBusyError
from flows.desk.inputs import Desk
from flows.desk.login import address_of, open_session
from flows.desk.login_limits import Attempts
from flows.desk.passwords import hashed, is_right
from flows.records.desk import Account


def add_own_password(app: FastAPI, desk: Desk, pages: DeskTemplates, hashing: HashingQueue) -> None:
    """The page on which people change their own password."""
    page = OwnPassword(desk, pages, hashing, Attempts())
    app.get("/password")(page.ask)
    app.post("/password")(page.change)


@dataclass(frozen=True)
class OwnPassword:
    """The page on which somebody who is logged in changes their password."""

    desk: Desk
    pages: DeskTemplates
    hashing: HashingQueue
    attempts: Attempts

    def ask(self, request: Request) -> Response:
        """Show the form, or say that it is done."""
        return self.pages.show(request, "password.html", is_done=request.query_params.get("changed") == "1")

    async def change(self, request: Request) -> Response:
        """Change the password when the present one is right; every other browser of the account is logged out."""
        given, account = request.state.form, account_of(request)
        present, new = given.get("present", ""), given.get("new", "")
        if new != given.get("again", ""):
            return await self._refused(request, 422, "password.differ")
        if not self.attempts.take(account.name, address_of(request), browser="own password"):
            return await self._refused(request, 429, "login.too_often")
        try:
            kept = await self.hashing.run(partial(_new_hash, account, present, new))
        except TooBusyError:
            return await self._refused(request, 503, "login.busy")
        except DeskError as error:
            return await self._refused(request, 422, error.key, **error.values)
        if kept is None:
            await run_in_threadpool(self._note_failure, account)
            return await self._refused(request, 403, "password.wrong")
        self.attempts.forgive(account.name, address_of(request), browser="own password")
        return await run_in_threadpool(self._changed, request, account, kept)

    async def _refused(self, request: Request, status: int, key: str, **values: object) -> Response:
        """The form again, with the reason why nothing was changed."""
        complaint = self.pages.say(request, key, **values)
        show = partial(self.pages.show, request, "password.html", status=status, complaint=complaint, is_done=False)
        answer = await run_in_threadpool(show)
        if status == 503:
            answer.headers["Retry-After"] = str(int(LONGEST_WAIT_S))
        return answer

    def _note_failure(self, account: Account) -> None:
        self.desk.accounts.note("password-refused", by=account.number, subject=account.name, at=self.desk.clock())

    def _changed(self, request: Request, account: Account, kept: str) -> Response:
        changed = self.desk.accounts.change(account.name, password_hash=kept)
        self.desk.accounts.note("password", by=account.number, subject=account.name, at=self.desk.clock())
        return open_session(request, self.desk, changed, "/password?changed=1")


def _new_hash(account: Account, present: str, new: str) -> str | None:
    """The hash of the new password, None where the present one is wrong; raises `DeskError` for one that is weak."""
    return hashed(new, name=account.name) if is_right(present, account.password_hash) else None
