"""The queue, one case a screen, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from flows.desk.access import sees_pictures
from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.drawing import drawn
from flows.desk.errors import DeskError
from flows.desk.inputs import CaseDetail, Desk
from flows.desk.queue import EVERYTHING, MINE, Filter, Queue, QueueEntry, filter_of, rounded
from flows.desk.review import ReviewStatus
from flows.ledger.precision import contradicted_in
from flows.records.desk import Account
from flows.records.incidents import Incident, MuteRecord

A_PAGE = 50  # incidents
INSIDE = 8  # cases of an incident in the queue; its own page has all
MOST_NOTE = 10_000  # letters
SPLITS = ("all", "change", "confidence", "area")


def add_cases(app: FastAPI, desk: Desk, pages: DeskTemplates, queue: Queue) -> None:
    """The routes of those who look and judge."""
    cases = Cases(desk, pages, queue)
    app.get("/")(cases.show_queue)
    app.get("/cases/{event_id}")(cases.show_case)
    app.get("/cases/{event_id}/pictures/{name}.webp")(cases.show_picture)
    app.post("/cases/{event_id}/verdicts")(cases.judge)
    app.post("/verdicts/{number}/undo")(cases.undo)
    app.get("/precision")(cases.show_precision)


@dataclass(frozen=True)
class QueueRow:
    """An incident in the queue with its cases that the filter shows, `more` of which are on its own page alone.

    `waiting` of its alerts nobody has acknowledged. A case without an alert is of no incident.
    """

    entries: Sequence[QueueEntry]
    more: int
    incident: Incident | None
    waiting: int
    mute: MuteRecord | None


@dataclass(frozen=True)
class Cases:
    """What those who look and judge ask for, and what they are answered."""

    desk: Desk
    pages: DeskTemplates
    queue: Queue

    def show_queue(self, request: Request) -> Response:
        """The queue, fifty incidents a page."""
        chosen, account = filter_of(request.query_params), account_of(request)
        everything = self.queue.entries()
        shown = [entry for entry in everything if chosen.fits(entry, account.number)]
        groups = [list(found) for _, found in groupby(shown, key=attrgetter("group"))]
        last = max(1, -(-len(groups) // A_PAGE))
        number = min(max(1, _number(request.query_params.get("page", "1"))), last)
        waiting = shown if chosen == Filter() else self.queue.shown(Filter(), account.number)
        return self.pages.show(
            request,
            "queue.html",
            rows=self._rows(groups[(number - 1) * A_PAGE : number * A_PAGE], account),
            total=len(shown),
            number=number,
            last=last,
            chosen=chosen,
            counts=Counter(entry.standing for entry in everything),
            waiting=len(waiting),
            all_of_them=len(everything),
            shows=[MINE, *ReviewStatus, EVERYTHING],
            notice=_notice(request, self.queue, account),
            contradicted=contradicted_in(self.desk.reviews.reliability()),
        )

    def _rows(self, groups: Sequence[Sequence[QueueEntry]], account: Account) -> list[QueueRow]:
        """The incidents and cases of a page."""
        incidents, today = self.desk.incidents.all(), self.desk.clock().date()
        ids = [one for group in groups if group[0].incident for one in group[0].incident.alert_ids]
        records = self.desk.incidents.records(ids)
        rows = []
        for group in groups:
            incident = group[0].incident
            waiting = sum(records[one].acknowledged_on is None for one in incident.alert_ids) if incident else 0
            mute = None if incident is None else incidents.mute_on(incident, today)
            seen = [_as_seen(entry, account) for entry in group]
            rows.append(QueueRow(seen[:INSIDE], len(seen[INSIDE:]), incident, waiting, mute))
        return rows

    def show_case(self, request: Request, event_id: str) -> Response:
        """One case."""
        return self._case(request, self.queue.id_of(event_id))

    def show_picture(self, event_id: str, name: str) -> Response:
        """One picture of a case."""
        case_detail = self.desk.evidence.case_detail(self.queue.id_of(event_id))
        if case_detail is None or name not in case_detail.pictures:
            raise HTTPException(404)
        return Response(drawn(case_detail.pictures[name]), media_type="image/webp")

    def judge(self, request: Request, event_id: str) -> Response:
        """The verdict is on record, and the next case comes up; what lacks something is asked for again."""
        given, account, event_id = request.state.form, account_of(request), self.queue.id_of(event_id)
        if self.queue.find(event_id) is None:
            raise HTTPException(404)
        verdict, _, reason = given.get("verdict", "").partition(":")
        note = given.get("note", "").strip()
        chosen = filter_of(given)
        if len(note) > MOST_NOTE:
            complaint = self.pages.say(request, "case.too_long", n=len(note), most=MOST_NOTE)
            return self._case(request, event_id, complaint=complaint, note=note)
        after = self.queue.neighbours(event_id, chosen, account.number)[1]
        try:
            said = self.desk.reviews.judge(
                event_id, verdict=verdict, reason=reason, note=note, account=account, at=self.desk.clock()
            )
        except DeskError as error:
            return self._case(request, event_id, complaint=self.pages.explain(request, error), note=note)
        return self._on(after, chosen, done=said.number)

    def undo(self, request: Request, number: str) -> Response:
        """The verdict is taken back, and its case comes up."""
        said = self.desk.reviews.withdraw(_number(number), account=account_of(request), at=self.desk.clock())
        return self._on(said.event_id, filter_of(request.state.form), undone=said.number)

    def show_precision(self, request: Request) -> Response:
        """How often alerts held when a person looked."""
        known = self.desk.reviews.precision()
        groups = {split: known[split] for split in SPLITS}
        disputed = sum(entry.standing is ReviewStatus.DISPUTED for entry in self.queue.entries())
        bands = self.desk.reviews.reliability()
        lost = sorted(contradicted_in(bands), reverse=True)
        return self.pages.show(request, "precision.html", groups=groups, disputed=disputed, bands=bands, lost=lost)

    def _on(self, event_id: str | None, chosen: Filter, **done: int) -> Response:
        """On to a case, or to the queue where none is left."""
        query = "&".join(part for part in (chosen.query, urlencode(done)) if part)
        return self.pages.lead_to(f"/cases/{event_id}?{query}" if event_id else f"/?{query}")

    def _case(self, request: Request, event_id: str, *, complaint: str = "", note: str = "") -> Response:
        """The page of a case; with a complaint about what was said of it, and status 422."""
        entry, case_detail = self.queue.find(event_id), self.desk.evidence.case_detail(event_id)
        if entry is None or case_detail is None:
            raise HTTPException(404)
        chosen = filter_of(request.state.form or request.query_params)
        account = account_of(request)
        before, after = self.queue.neighbours(event_id, chosen, account.number)
        return self.pages.show(
            request,
            "case.html",
            status=422 if complaint else 200,
            entry=_as_seen(entry, account),
            case_detail=case_detail,
            fragment=_fragment(case_detail, self.pages.lang(request), account),
            chosen=chosen,
            before=before,
            after=after,
            own=entry.words.get(f"account:{account.number}"),
            is_second=_is_second(entry, account),
            reasons=self.desk.reasons,
            complaint=complaint,
            note=note,
            notice=_notice(request, self.queue, account),
        )


def _as_seen(entry: QueueEntry, account: Account) -> QueueEntry:
    return entry if sees_pictures(account) else rounded(entry)


def _fragment(case_detail: CaseDetail, lang: str, account: Account) -> str:
    """The case as an account may see it: with pictures, or as a drawing."""
    fragments = case_detail.fragments if sees_pictures(account) else case_detail.drawings
    return fragments.get(lang) or next(iter(fragments.values()))


def _is_second(entry: QueueEntry, account: Account) -> bool:
    """Whether this account's confirmation would be the second, for publication."""
    if entry.standing is not ReviewStatus.SECOND:
        return False
    people = {one.account for one in entry.words.values() if one.verdict == "confirmed"}
    return bool(people - {account.number, None})


def _notice(request: Request, queue: Queue, account: Account) -> tuple[str, QueueEntry, int] | None:
    """What this account has just done, told once: ``done`` or ``undone``, on which case, and the verdict's number."""
    for what in ("done", "undone"):
        number = _number(request.query_params.get(what, ""))
        for entry in queue.entries() if number else ():
            for said in entry.opinions:
                is_so = (said.withdrawn_at is None) == (what == "done")
                if said.number == number and said.account == account.number and is_so:
                    return what, entry, number
    return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
