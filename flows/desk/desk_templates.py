"""Turning templates into answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from flows.desk.access import Role, has_role, sees_pictures, sees_positions
from flows.desk.cookies import LANGUAGE_COOKIE, read_cookie
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk
from flows.records.desk import Account, DeskSession

TEMPLATES = Path(__file__).parent / "templates"
FIRST_LANGUAGE = "en"


class DeskTemplates:
    """The templates of the desk, in the language that a browser has chosen."""

    def __init__(self, desk: Desk) -> None:
        """Of a desk."""
        self._desk = desk

    def lang(self, request: Request) -> str:
        """The language of the answer."""
        chosen = read_cookie(request, LANGUAGE_COOKIE)
        return chosen if chosen in self._desk.pages else FIRST_LANGUAGE

    def say(self, request: Request, key: str, **values: object) -> str:
        """A phrase of the desk's catalog in the language of the answer."""
        return str(self._words(self.lang(request))(f"desk.{key}", **values))

    def explain(self, request: Request, error: DeskError) -> str:
        """What went wrong, in the language of the answer as far as the catalog has words for it."""
        return self.say(request, error.key, **error.values) if error.key else str(error)

    def _words(self, lang: str) -> Any:
        return self._desk.pages[lang].globals["w"]

    def show(self, request: Request, template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
        """A page; every template knows who is asking and what they may do.

        It has a reference wherever an id would stand, since an id leads to a place (`flows.ledger.references`).
        """
        session: DeskSession | None = getattr(request.state, "session", None)
        account = None if session is None else session.account
        lang = self.lang(request)
        page = self._desk.pages[lang].get_template(f"desk/{template}")
        text = page.render(
            {"complaint": "", "notice": None}
            | given
            | {
                "account": account,
                "form_key": "" if session is None else session.form_key,
                "can_judge": _has(account, Role.REVIEWER),
                "can_operate": _has(account, Role.OPERATOR),
                "can_administer": _has(account, Role.ADMIN),
                "can_see_positions": account is not None and sees_positions(account),
                "can_see_pictures": account is not None and sees_pictures(account),
                "is_simulated": self._desk.is_simulated,
                "others": {each: self._words(each)("page.language") for each in self._desk.pages if each != lang},
                "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            }
        )
        return HTMLResponse(self._desk.references.in_text(text), status_code=status)

    def lead_to(self, path: str) -> Response:
        """An answer that leads on to another page, whose address has references for ids."""
        return RedirectResponse(self._desk.references.in_text(path), status_code=303)


def account_of(request: Request) -> Account:
    """Who is asking, on a route that is not everybody's."""
    session: DeskSession = request.state.session
    return session.account


def _has(account: Account | None, role: Role) -> bool:
    return account is not None and has_role(account, role)
