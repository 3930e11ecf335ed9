"""The queue, one case a screen, and the verdict."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from flows.desk.drawing import drawn
from flows.desk.errors import DeskError
from flows.desk.inputs import Account, Desk, Exhibit
from flows.desk.page import Pages, account_of
from flows.desk.queue import EVERYTHING, MINE, Entry, Filter, Queue, filter_of
from flows.desk.review import Standing

A_PAGE = 50  # cases
MOST_NOTE = 10_000  # letters
SPLITS = ("all", "change", "confidence", "area")


def add_cases(app: FastAPI, desk: Desk, pages: Pages, queue: Queue) -> None:
    """The routes of those who look and judge."""

    @app.get("/")
    def show_queue(request: Request) -> Response:
        """The queue, fifty cases a page."""
        chosen, account = filter_of(request.query_params), account_of(request)
        everything = queue.entries()
        shown = [entry for entry in everything if chosen.fits(entry, account.number)]
        last = max(1, -(-len(shown) // A_PAGE))
        number = min(max(1, _number(request.query_params.get("page", "1"))), last)
        waiting = shown if chosen == Filter() else queue.shown(Filter(), account.number)
        return pages.show(
            request,
            "queue.html",
            entries=shown[(number - 1) * A_PAGE : number * A_PAGE],
            total=len(shown),
            number=number,
            last=last,
            chosen=chosen,
            counts=Counter(entry.standing for entry in everything),
            waiting=len(waiting),
            all_of_them=len(everything),
            shows=[MINE, *Standing, EVERYTHING],
            notice=_notice(request, queue, account),
        )

    @app.get("/cases/{event_id}")
    def show_case(request: Request, event_id: str) -> Response:
        """One case."""
        return _case(request, desk, pages, queue, event_id)

    @app.get("/cases/{event_id}/pictures/{name}.webp")
    def show_picture(event_id: str, name: str) -> Response:
        """One picture of a case."""
        exhibit = desk.evidence.exhibit(event_id)
        if exhibit is None or name not in exhibit.pictures:
            raise HTTPException(404)
        kept = {"Cache-Control": "private, max-age=600"}
        return Response(drawn(exhibit.pictures[name]), media_type="image/webp", headers=kept)

    @app.post("/cases/{event_id}/verdicts")
    def judge(request: Request, event_id: str) -> Response:
        """The verdict is on record, and the next case comes up; what lacks something is asked for again."""
        given, account = request.state.form, account_of(request)
        if queue.find(event_id) is None:
            raise HTTPException(404)
        verdict, _, reason = given.get("verdict", "").partition(":")
        note = given.get("note", "").strip()
        chosen = filter_of(given)
        if len(note) > MOST_NOTE:
            complaint = pages.say(request, "case.too_long", n=len(note), most=MOST_NOTE)
            return _case(request, desk, pages, queue, event_id, complaint=complaint, note=note, status=422)
        after = queue.neighbours(event_id, chosen, account.number)[1]
        try:
            said = desk.reviews.judge(
                event_id, verdict=verdict, reason=reason, note=note, account=account, at=desk.clock()
            )
        except DeskError as error:
            words = pages.say(request, "case.needs_note") if reason == "other" and not note else str(error)
            return _case(request, desk, pages, queue, event_id, complaint=words, note=note, status=422)
        return _on(after, chosen, done=said.number)

    @app.post("/verdicts/{number}/undo")
    def undo(request: Request, number: str) -> Response:
        """The verdict is taken back, and its case comes up."""
        said = desk.reviews.withdraw(_number(number), account=account_of(request), at=desk.clock())
        return _on(said.event_id, filter_of(request.state.form), undone=said.number)

    @app.get("/precision")
    def show_precision(request: Request) -> Response:
        """How often alerts held when a person looked."""
        known = desk.reviews.precision()
        groups = {split: known[split] for split in SPLITS}
        disputed = sum(entry.standing is Standing.DISPUTED for entry in queue.entries())
        return pages.show(request, "precision.html", groups=groups, disputed=disputed)


def _case(
    request: Request,
    desk: Desk,
    pages: Pages,
    queue: Queue,
    event_id: str,
    *,
    complaint: str = "",
    note: str = "",
    status: int = 200,
) -> Response:
    entry, exhibit = queue.find(event_id), desk.evidence.exhibit(event_id)
    if entry is None or exhibit is None:
        raise HTTPException(404)
    chosen = filter_of(request.state.form or request.query_params)
    account = account_of(request)
    before, after = queue.neighbours(event_id, chosen, account.number)
    own = entry.words.get(f"account:{account.number}")
    return pages.show(
        request,
        "case.html",
        status=status,
        entry=entry,
        exhibit=exhibit,
        fragment=_fragment(exhibit, pages.lang(request)),
        chosen=chosen,
        before=before,
        after=after,
        own=own,
        is_second=_is_second(entry, account),
        reasons=desk.reasons,
        complaint=complaint,
        note=note,
        notice=_notice(request, queue, account),
    )


def _fragment(exhibit: Exhibit, lang: str) -> str:
    return exhibit.fragments.get(lang) or next(iter(exhibit.fragments.values()))


def _is_second(entry: Entry, account: Account) -> bool:
    """Whether this account's confirmation would be the second, for publication."""
    if entry.standing is not Standing.SECOND:
        return False
    people = {one.account for one in entry.words.values() if one.verdict == "confirmed"}
    return bool(people - {account.number, None})


def _notice(request: Request, queue: Queue, account: Account) -> tuple[str, Entry, int] | None:
    """What this account has just done, told once: ``done`` or ``undone``, on which case, and the verdict's number."""
    for what in ("done", "undone"):
        number = _number(request.query_params.get(what, ""))
        for entry in queue.entries() if number else ():
            for said in entry.opinions:
                is_so = (said.withdrawn_at is None) == (what == "done")
                if said.number == number and said.account == account.number and is_so:
                    return what, entry, number
    return None


def _on(event_id: str | None, chosen: Filter, **done: int) -> Response:
    """On to a case, or to the queue where none is left."""
    query = "&".join(part for part in (chosen.query, urlencode(done)) if part)
    return RedirectResponse(f"/cases/{event_id}?{query}" if event_id else f"/?{query}", status_code=303)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
