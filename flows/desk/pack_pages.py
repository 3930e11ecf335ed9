"""Packs for people outside: what can be made of a case or a site, those that are ready, and fetching them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

from flows.desk.access import sees_positions
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk
from flows.publication.pack_choice import PackChoice
from flows.publication.pack_subject import Sharing


def add_packs(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    """The routes of packs."""
    packs = PackPages(desk, pages)
    app.get("/packs")(packs.show)
    app.post("/packs/public")(packs.make_public)
    app.post("/packs/restricted")(packs.make_restricted)
    app.get("/packs/public/{name}.zip")(packs.fetch_public)
    app.get("/packs/restricted/{name}.zip")(packs.fetch_restricted)


@dataclass(frozen=True)
class PackPages:
    """What those who publish ask for."""

    desk: Desk
    pages: DeskTemplates

    def show(self, request: Request) -> Response:
        """What can be made of the case or site that is named, and the packs that this account may have."""
        return self._page(request, request.query_params)

    def make_public(self, request: Request) -> Response:
        """A public pack is being made, if the person has said that everybody may see it."""
        if request.state.form.get("agreed") != "1":
            complaint = self.pages.say(request, "packs.not_agreed")
            return self._page(request, request.state.form, complaint=complaint)
        return self._begin(request, Sharing.PUBLIC)

    def make_restricted(self, request: Request) -> Response:
        """A restricted pack is being made."""
        return self._begin(request, Sharing.RESTRICTED)

    def fetch_public(self, request: Request, name: str) -> Response:
        """The zip of a public pack."""
        return self._fetch(request, Sharing.PUBLIC, name)

    def fetch_restricted(self, request: Request, name: str) -> Response:
        """The zip of a restricted pack."""
        return self._fetch(request, Sharing.RESTRICTED, name)

    def _begin(self, request: Request, sharing: Sharing) -> Response:
        given, account = request.state.form, account_of(request)
        choice = _choice(given)
        if choice is None:
            raise DeskError(
                "there is nothing on record to make a pack of; choose a case or a site", key="packs.nothing"
            )
        pack = self.desk.packs.begin(
            choice,
            sharing=sharing,
            language=self.pages.lang(request),
            coarse_dates=sharing is Sharing.PUBLIC and given.get("coarse_dates") == "1",
        )
        subject = choice.event or choice.area or ""
        at = self.desk.clock()
        self.desk.accounts.note("pack", by=account.number, subject=subject, detail=f"{sharing}, {pack.name}", at=at)
        return self.pages.lead_to(f"/packs?{urlencode(_asked(given))}")

    def _fetch(self, request: Request, sharing: Sharing, name: str) -> Response:
        path = self.desk.packs.file(sharing, name)
        if path is None:
            raise HTTPException(404)
        number, at = account_of(request).number, self.desk.clock()
        self.desk.accounts.note(
            "pack-fetched", by=number, subject=name.split("_")[1], detail=f"{sharing}, {name}", at=at
        )
        shown = "sitewatch-public.zip" if sharing is Sharing.PUBLIC else f"sitewatch-restricted-{name}.zip"
        return FileResponse(path, media_type="application/zip", filename=shown)

    def _page(self, request: Request, given: Mapping[str, str], *, complaint: str = "") -> Response:
        choice, account = _choice(given), account_of(request)
        offer = None if choice is None else self.desk.packs.offer(choice, language=self.pages.lang(request))
        if choice is not None and offer is None:
            raise HTTPException(404)
        shown = [Sharing.PUBLIC, *([Sharing.RESTRICTED] if sees_positions(account) else [])]
        packs = [pack for sharing in shown for pack in self.desk.packs.packs(sharing)]
        return self.pages.show(
            request,
            "packs.html",
            status=422 if complaint else 200,
            offer=offer,
            asked=_asked(given),
            packs=packs,
            going=any(pack.is_going for pack in packs),
            complaint=complaint,
        )


def _choice(given: Mapping[str, str]) -> PackChoice | None:
    """The case or site that is named, None where none is."""
    asked = _asked(given)
    return PackChoice(event=asked.get("event"), area=asked.get("area")) if len(asked) == 1 else None


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name][:80] for name in ("event", "area") if given.get(name)}
