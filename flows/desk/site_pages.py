"""Claims at the desk: a page a site, with what was claimed, what was measured of it, and the form for another claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from detectors.claims.claim_rules import ClaimKind
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk

MOST_STRUCTURES = 600  # shown on one page; the restricted files hold all
FIELDS = ("kind", "said_on", "number", "area_m2", "words", "source")


def add_sites(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    """The routes of sites and of claims about them."""
    sites = SitePages(desk, pages)
    app.get("/sites")(sites.show_sites)
    app.get("/sites/{area_id}")(sites.show_site)
    app.post("/sites/{area_id}/claims")(sites.claim)
    app.post("/claims/{claim_id}/withdrawal")(sites.withdraw)


@dataclass(frozen=True)
class SitePages:
    """What those who set claims against measurements ask for."""

    desk: Desk
    pages: DeskTemplates

    def show_sites(self, request: Request) -> Response:
        """Every site, those with claims first."""
        return self.pages.show(request, "sites.html", sites=self.desk.claims.sites())

    def show_site(self, request: Request, area_id: str) -> Response:
        """One site."""
        return self._site(request, area_id)

    def claim(self, request: Request, area_id: str) -> Response:
        """The claim is on record; what lacks something is asked for again."""
        given = {name: request.state.form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}
        if self.desk.claims.site(area_id) is None:
            raise HTTPException(404)
        try:
            self.desk.claims.add(area_id, given, account=account_of(request), at=self.desk.clock())
        except DeskError as error:
            return self._site(request, area_id, given=given, complaint=self.pages.explain(request, error))
        return RedirectResponse(f"/sites/{area_id}", status_code=303)

    def withdraw(self, request: Request, claim_id: str) -> Response:
        """The claim is withdrawn, and stays on record."""
        why = request.state.form.get("why", "").strip()
        area_id = self.desk.claims.site_of(claim_id)
        if area_id is None:
            raise HTTPException(404)
        try:
            self.desk.claims.withdraw(claim_id, why=why, account=account_of(request), at=self.desk.clock())
        except DeskError as error:
            return self._site(request, area_id, complaint=self.pages.explain(request, error))
        return RedirectResponse(f"/sites/{area_id}", status_code=303)

    def _site(
        self, request: Request, area_id: str, *, given: Mapping[str, str] | None = None, complaint: str = ""
    ) -> Response:
        found = self.desk.claims.site(area_id)
        if found is None:
            raise HTTPException(404)
        return self.pages.show(
            request,
            "site.html",
            status=422 if complaint else 200,
            site=found,
            given=dict.fromkeys(FIELDS, "") | dict(given or {}),
            kinds=list(ClaimKind),
            complaint=complaint,
            most=MOST_STRUCTURES,
        )
