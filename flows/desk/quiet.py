"""Pages of the weekly sample: places of which nothing was told, at which people look what was missed."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from flows.desk.desk_templates import DeskTemplates, account_of
from flows.desk.drawing import drawn
from flows.desk.errors import DeskError
from flows.desk.inputs import Desk, PictureSource
from flows.records.quiet_places import QuietAnswer, QuietPlace, QuietReview

MOST_NOTE = 10_000  # letters
MOST_SHOWN = 150  # places: those of more than a quarter
WHEN = ("before", "after")


def add_quiet_places(app: FastAPI, desk: Desk, pages: DeskTemplates) -> None:
    """The routes of the sample."""
    quiet = QuietRoutes(desk, pages)
    app.get("/quiet")(quiet.show_all)
    app.get("/quiet/{number}")(quiet.show_place)
    app.get("/quiet/{number}/pictures/{name}.webp")(quiet.show_picture)
    app.post("/quiet/{number}/answers")(quiet.answer)


@dataclass(frozen=True)
class QuietRoutes:
    """What those who look at the sample ask for, and what they are answered."""

    desk: Desk
    pages: DeskTemplates

    def show_all(self, request: Request) -> Response:
        """The places, the last week first: those that nobody has answered stand before the others of their week."""
        said = self._said()
        places = sorted(
            self.desk.quiet.places(), key=lambda one: (one.week, one.number not in said, -one.number), reverse=True
        )
        names = {area_id: self.desk.quiet.name_of(area_id) for area_id in {place.area_id for place in places}}
        waiting = sum(place.number not in said for place in places)
        return self.pages.show(
            request,
            "quiet.html",
            places=places[:MOST_SHOWN],
            said=said,
            names=names,
            waiting=waiting,
            missed=self.desk.quiet.figures(),
        )

    def show_place(self, request: Request, number: str) -> Response:
        """One place."""
        return self._place(request, number)

    def show_picture(self, number: str, name: str) -> Response:
        """One picture of a place: its kind, and whether it is the earlier or the later one."""
        detail = self.desk.quiet.detail(_number(number))
        kind, _, when = name.rpartition("-")
        found: PictureSource | None = None
        for pair in detail.pairs if detail is not None and when in WHEN else ():
            found = getattr(pair, when) if pair.kind == kind else found
        if found is None:
            raise HTTPException(404)
        return Response(drawn(found), media_type="image/webp")

    def answer(self, request: Request, number: str) -> Response:
        """The answer is on record, and the next place comes up that nobody has answered."""
        given, account = request.state.form, account_of(request)
        place = self._find(number)
        note = given.get("note", "").strip()[:MOST_NOTE]
        try:
            self.desk.quiet.answer(
                place.number,
                answer=given.get("answer", ""),
                changes=given.get("changes", ""),
                note=note,
                account=account,
                at=self.desk.clock(),
            )
        except DeskError as error:
            return self._place(request, number, complaint=self.pages.explain(request, error), note=note)
        following = self._next(place)
        return RedirectResponse("/quiet" if following is None else f"/quiet/{following}", status_code=303)

    def _place(self, request: Request, number: str, *, complaint: str = "", note: str = "") -> Response:
        """The page of a place; with a complaint about what was said of it, and status 422."""
        place, said = self._find(number), self._said()
        return self.pages.show(
            request,
            "quiet_place.html",
            status=422 if complaint else 200,
            place=place,
            detail=self.desk.quiet.detail(place.number),
            name=self.desk.quiet.name_of(place.area_id),
            said=said.get(place.number),
            answers=list(QuietAnswer),
            following=self._next(place),
            complaint=complaint,
            note=note,
        )

    def _find(self, number: str) -> QuietPlace:
        place = next((one for one in self.desk.quiet.places() if one.number == _number(number)), None)
        if place is None:
            raise HTTPException(404)
        return place

    def _said(self) -> dict[int, QuietReview]:
        """The last answer about each place."""
        return {one.place: one for one in self.desk.quiet.reviews()}

    def _next(self, place: QuietPlace) -> int | None:
        """The next place of the same week that nobody has answered, from the first again after the last."""
        said = self._said()
        open_ = [p.number for p in self.desk.quiet.places() if p.week == place.week and p.number not in said]
        after = [number for number in open_ if number > place.number]
        return next(iter(after or [number for number in open_ if number != place.number]), None)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
