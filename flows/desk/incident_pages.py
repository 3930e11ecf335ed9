"""Incidents at the desk: a page each, where its alerts are acknowledged, judged, exported and muted as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from flows.desk.access import sees_pictures
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk
from flows.desk.queue import Queue, QueueEntry, rounded
from flows.ledger.references import incident_named
from flows.records.incidents import LONGEST_MUTE, Incident, Incidents

MOST_REASON = 2_000  # letters


def add_incidents(app: FastAPI, desk: Desk, pages: DeskTemplates, queue: Queue) -> None:
    """The routes of those who take up the alerts of a place together."""
    incidents = IncidentPages(desk, pages, queue)
    app.get("/incidents/{incident_id}")(incidents.show)
    app.get("/incidents/{incident_id}/alerts.geojson")(incidents.export)
    app.post("/incidents/{incident_id}/acknowledgement")(incidents.acknowledge)
    app.post("/incidents/{incident_id}/verdicts")(incidents.judge)
    app.post("/incidents/{incident_id}/mute")(incidents.mute)


@dataclass(frozen=True)
class IncidentPages:
    """What those who take up the alerts of a place ask for."""

    desk: Desk
    pages: DeskTemplates
    queue: Queue

    def show(self, request: Request, incident_id: str) -> Response:
        """One incident."""
        return self._page(request, incident_id)

    def export(self, incident_id: str) -> Response:
        """Its alerts with their outlines, as GeoJSON."""
        found = self._named(incident_id)[1]
        called = self.desk.references.of(found.incident_id)
        name = {"Content-Disposition": f'attachment; filename="{called}.geojson"'}
        return Response(self.desk.incidents.geojson(found), media_type="application/geo+json", headers=name)

    def acknowledge(self, request: Request, incident_id: str) -> Response:
        """All its alerts are acknowledged; who acknowledged one before stays on record."""
        found = self._named(incident_id)[1]
        if not _is_as_shown(request, found):
            return self._page(request, incident_id, complaint=self.pages.say(request, "incident.grown"))
        self.desk.incidents.acknowledge(found, account=account_of(request), at=self.desk.clock())
        return self.pages.lead_to(f"/incidents/{found.incident_id}")

    def judge(self, request: Request, incident_id: str) -> Response:
        """The verdict is on record for each of its alerts; what lacks something is asked for again."""
        given, found = request.state.form, self._named(incident_id)[1]
        if not _is_as_shown(request, found):
            return self._page(request, incident_id, complaint=self.pages.say(request, "incident.grown"))
        verdict, _, reason = given.get("verdict", "").partition(":")
        note = given.get("note", "").strip()[:MOST_REASON]
        words = {"verdict": verdict, "reason": reason, "note": note}
        try:
            self.desk.incidents.judge(found, **words, account=account_of(request), at=self.desk.clock())
        except DeskError as error:
            return self._page(request, incident_id, complaint=self.pages.explain(request, error))
        return self.pages.lead_to(f"/incidents/{found.incident_id}")

    def mute(self, request: Request, incident_id: str) -> Response:
        """No message of it is sent until a day, or messages are sent again where no day is given."""
        given, found = request.state.form, self._named(incident_id)[1]
        until, why = given.get("until", "").strip(), given.get("why", "").strip()[:MOST_REASON]
        account, at = account_of(request), self.desk.clock()
        try:
            if given.get("what") == "end":
                self.desk.incidents.end_mute(found, why=why, account=account, at=at)
            else:
                self.desk.incidents.mute(found, until=_day(until), why=why, account=account, at=at)
        except DeskError as error:
            return self._page(request, incident_id, complaint=self.pages.explain(request, error))
        return self.pages.lead_to(f"/incidents/{found.incident_id}")

    def _named(self, incident_id: str) -> tuple[Incidents, Incident]:
        known = self.desk.incidents.all()
        found = incident_named(known, incident_id, self.desk.references)
        if found is None:
            raise HTTPException(404)
        return known, found

    def _page(self, request: Request, incident_id: str, *, complaint: str = "") -> Response:
        known, found = self._named(incident_id)
        today, account = self.desk.clock().date(), account_of(request)
        entries = [entry for one in found.event_ids if (entry := self.queue.find(one)) is not None]
        return self.pages.show(
            request,
            "incident.html",
            status=422 if complaint else 200,
            incident=found,
            entries=[entry if sees_pictures(account) else rounded(entry) for entry in entries],
            place=_place(entries),
            records=self.desk.incidents.records(found.alert_ids),
            unsent=known.muted_in(found),
            mute=known.mute_on(found, today),
            decisions=known.decisions(found),
            today=today,
            latest=today + LONGEST_MUTE,
            reasons=self.desk.reasons,
            complaint=complaint,
        )


def _place(entries: list[QueueEntry]) -> str:
    return entries[0].case.place if entries else ""


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DeskError(f"`{text[:20]}` is not a day; choose one", key="incident.no_day") from None


def _is_as_shown(request: Request, incident: Incident) -> bool:
    """Tell whether an incident has the alerts that the page showed: what nobody has seen is not taken up with them."""
    return bool(request.state.form.get("number", "") == str(len(incident.alerts)))
