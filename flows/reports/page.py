"""The page before it is written: every figure, picture and anchor in its place and order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from aois.area import Area
from aois.grid import PIXEL_SIZE_M
from aois.week import Week
from detectors.records import State
from flows.reports.charts import Chart, chart_of
from flows.reports.facts import Facts, facts_of
from flows.reports.figures import Picture, case_picture, overview_picture, path_of
from flows.reports.inputs import AreaView, Chip, EventView, ReportInputs, WeekCounts, WeekSeen
from flows.reports.sketch import Mark, Sketch, Tone, sketch_of
from flows.reports.story import ENOUGH_SHARE, Look, News, Sight, Tally, look_at, tally_of

STRIP_WEEKS = 26
FOLD_FROM = 7  # earlier events are folded away when there are this many or more
SIMULATED = "simulated"
BY_WEIGHT = (State.CONFIRMED, State.PROVISIONAL, State.FINISHED, State.RETRACTED)


@dataclass(frozen=True)
class Pairing:
    """One kind of picture before and after a change."""

    kind: str
    before: Picture | None
    after: Picture | None


@dataclass(frozen=True)
class Case:
    """One event as the page shows it; `change` and `perimeter` are SVG path data in a frame of the chips' `shape`."""

    anchor: str
    place: str
    facts: Facts
    is_new: bool
    is_changed: bool
    pairs: tuple[Pairing, ...]
    thumbs: tuple[Picture, ...]
    shape: tuple[int, int]
    change: str
    perimeter: str
    charts: tuple[Chart, ...]
    empty_series: tuple[str, ...]

    @property
    def is_news(self) -> bool:
        """Whether this week brought it or changed it."""
        return self.is_new or self.is_changed


@dataclass(frozen=True)
class Place:
    """One area as the page shows it; `strip` holds one entry a week, None where there is no record."""

    anchor: str
    area: Area
    look: Look
    failure: str
    overview: Picture | None
    strip: tuple[WeekSeen | None, ...]
    weeks_good: int
    weeks_known: int
    news: tuple[Case, ...]
    others: tuple[Case, ...]
    is_folded: bool

    @property
    def label(self) -> str:
        """Its name, or its id when it has none."""
        return self.area.name.strip() or self.area.id

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of its events, news first."""
        return *self.news, *self.others


@dataclass(frozen=True)
class Page:
    """The whole report."""

    week: Week
    source: str
    is_simulated: bool
    is_restricted: bool
    tally: Tally
    counts: tuple[WeekCounts, ...]
    sketch: Sketch
    alerts: tuple[Case, ...]
    hidden: tuple[Place, ...]
    failed: tuple[Place, ...]
    places: tuple[Place, ...]
    quiet: tuple[Place, ...]
    notes: tuple[str, ...]
    years: str


def page_of(inputs: ReportInputs) -> Page:
    """Lay out a week: places with news first, then those with older events, then the quiet ones."""
    anchors = _Anchors()
    places = [_place(view, inputs.week, anchors) for view in inputs.areas]
    cases = [case for place in places for case in place.news]
    with_events = [place for place in places if place.cases]
    return Page(
        week=inputs.week,
        source=inputs.source,
        is_simulated=inputs.source == SIMULATED,
        tally=tally_of(
            (News(place.area.id, case.facts, case.is_new) for place in places for case in place.news),
            (place.look for place in places),
        ),
        is_restricted=inputs.is_restricted,
        counts=inputs.counts,
        sketch=sketch_of([_mark(place) for place in places], is_restricted=inputs.is_restricted),
        alerts=tuple(sorted((case for case in cases if case.facts.is_alerted), key=_weight)),
        hidden=tuple(place for place in places if place.look.sight in (Sight.NONE, Sight.HARDLY)),
        failed=tuple(place for place in places if place.look.sight is Sight.FAILED),
        places=tuple(sorted(with_events, key=lambda place: not place.news)),
        quiet=tuple(place for place in places if not place.cases),
        notes=inputs.notes,
        years=_years(inputs),
    )


def _mark(place: Place) -> Mark:
    return Mark(place.area, place.anchor, place.label, _tone(place))


def _tone(place: Place) -> Tone:
    """What a place is marked for, the most urgent first."""
    alerts = [case for case in place.cases if case.facts.is_alerted]
    if any(case.is_new for case in alerts):
        return Tone.NEW
    if any(case.is_changed for case in alerts):
        return Tone.CHANGED
    if place.look.sight is Sight.FAILED:
        return Tone.FAILED
    if place.look.sight in (Sight.NONE, Sight.HARDLY):
        return Tone.UNSEEN
    return Tone.EARLIER if alerts else Tone.QUIET


class _Anchors:
    """Hands out ids that are safe in a link and never given twice."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, prefix: str, name: str) -> str:
        plain = f"{prefix}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:64]}"
        anchor, number = plain, 1
        while anchor in self._given:
            number += 1
            anchor = f"{plain}-{number}"
        self._given.add(anchor)
        return anchor


def _place(view: AreaView, week: Week, anchors: _Anchors) -> Place:
    label = view.area.name.strip() or view.area.id
    anchor = anchors.give("place", view.area.id)
    cases = sorted((_case(event, view.area, label, anchors) for event in view.events), key=_weight)
    others = tuple(case for case in cases if not case.is_news)
    past = [seen for seen in view.weeks if seen.week <= week][-STRIP_WEEKS:]
    return Place(
        anchor=anchor,
        area=view.area,
        look=look_at(view, week),
        failure=view.failure,
        overview=_overview(view),
        strip=_strip(past, week),
        weeks_good=sum(seen.seen_share >= ENOUGH_SHARE for seen in past),
        weeks_known=len(past),
        news=tuple(case for case in cases if case.is_news),
        others=others,
        is_folded=len(others) >= FOLD_FROM,
    )


def _strip(past: Sequence[WeekSeen], week: Week) -> tuple[WeekSeen | None, ...]:
    known = {seen.week: seen for seen in past}
    return tuple(known.get(week.plus(-back)) for back in reversed(range(STRIP_WEEKS)))


def _overview(view: AreaView) -> Picture | None:
    if view.overview is None:
        return None
    return overview_picture(
        view.overview,
        outline=view.overview_outline,
        perimeter=view.overview_perimeter,
        grid_shape=view.grid_shape,
        pixel_size_m=PIXEL_SIZE_M,
    )


def _case(event: EventView, area: Area, place: str, anchors: _Anchors) -> Case:
    facts = facts_of(event.feature)
    marked = [response.date for response in area.responses]
    drawn = [
        (series.label, chart_of(series, first_seen=facts.first_seen, confirmed_on=facts.confirmed_on, responses=marked))
        for series in event.series
    ]
    return Case(
        anchor=anchors.give("case", facts.event_id),
        place=place,
        facts=facts,
        is_new=event.new_this_week,
        is_changed=event.changed_this_week and not event.new_this_week,
        pairs=_pairs(event),
        thumbs=tuple(case_picture(chip, pixel_size_m=PIXEL_SIZE_M, is_evidence=False) for chip in event.thumbs),
        shape=(event.outline.shape[0], event.outline.shape[1]),
        change=path_of(event.outline),
        perimeter=path_of(event.perimeter),
        charts=tuple(chart for _, chart in drawn if chart is not None),
        empty_series=tuple(label for label, chart in drawn if chart is None),
    )


def _pairs(event: EventView) -> tuple[Pairing, ...]:
    """The main pair first, kept as measured while the case is news; the others compressed for looking at."""
    is_news = event.new_this_week or event.changed_this_week
    main = Pairing("", _picture(event.before, is_evidence=is_news), _picture(event.after, is_evidence=is_news))
    rest = (Pairing(p.kind, *(_picture(chip, is_evidence=False) for chip in (p.before, p.after))) for p in event.more)
    return main, *rest


def _picture(chip: Chip | None, *, is_evidence: bool) -> Picture | None:
    return None if chip is None else case_picture(chip, pixel_size_m=PIXEL_SIZE_M, is_evidence=is_evidence)


def _weight(case: Case) -> tuple[bool, bool, int, float, str]:
    """New before changed before the rest; then by state, by size, and by id so that the order is never by chance."""
    facts = case.facts
    return not case.is_new, not case.is_changed, BY_WEIGHT.index(facts.state), -(facts.area_m2 or 0.0), facts.event_id


def _years(inputs: ReportInputs) -> str:
    last = inputs.week.last_day.year
    first = min((day.year for view in inputs.areas for day in _days(view)), default=last)
    return str(last) if first >= last else f"{first}–{last}"


def _days(view: AreaView) -> Iterable[date]:
    chips = [view.overview, *(chip for event in view.events for chip in (event.before, event.after, *event.thumbs))]
    yield from (chip.day for chip in chips if chip is not None)
    yield from (day for event in view.events for series in event.series for day in series.days)
