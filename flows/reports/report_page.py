"""The page before it is written: every figure, picture and anchor in its place and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from shapely.geometry.base import BaseGeometry

from aois.area import Area, AreaKind
from aois.grid import PIXEL_SIZE_M, to_utm, utm_epsg
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer
from flows.ledger.precision import StatedBand
from flows.records.acquisitions import Arrivals, DueAcquisition
from flows.records.claims import AnswerRecord, ClaimRecord
from flows.records.provider_weeks import ProviderWeek, is_worse
from flows.reports.accountability import SiteFollowUp, Total, account_of, ordered, totals_of
from flows.reports.browser_links import browser_links
from flows.reports.case import Anchors, Case, case_of, weight_of
from flows.reports.figures import Picture, overview_picture
from flows.reports.growth import Growth, growth_of
from flows.reports.history import HistoryEntry, history_of
from flows.reports.inputs import (
    AreaView,
    CloudyWeeks,
    Edition,
    MutedFigures,
    ReportInputs,
    SiteClock,
    WeekCounts,
    WeekSeen,
)
from flows.reports.missed import MissedFigures
from flows.reports.ranking import Ranking, ranking_of
from flows.reports.relocation import RelocationFigures
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.sketch import CloudCover, MapMark, MapStatus, Sketch, sketch_of
from flows.reports.week_summary import ENOUGH_SHARE, EventNews, Look, Tally, WeekVisibility, look_at, tally_of

STRIP_WEEKS, MOST_STRIP_WEEKS = 26, 52
CLOUD_STEPS = ((0.75, CloudCover.MOST), (0.5, CloudCover.HALF), (0.25, CloudCover.SOME))  # shares of weeks, from
PROVIDER_WEEKS = 5  # of which the answers are shown
FOLD_FROM = 7  # earlier events are folded away when there are this many or more


@dataclass(frozen=True)
class AreaSection:
    """One area as the page shows it; `strip` holds one entry a week, None where there is no record.

    It is empty in the public edition: weeks of cloud can be compared with public images of every place.
    """

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
    arrivals: Arrivals | None
    next_due: DueAcquisition | None
    clouds: CloudyWeeks | None
    account: SiteFollowUp | None
    growth: Growth | None
    history: tuple[HistoryEntry, ...]
    perimeter_m: float | None
    perimeter_m2: float | None
    clock: SiteClock | None = None

    @property
    def label(self) -> str:
        """Its name, or its id when it has none."""
        return self.area.name.strip() or self.area.id

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of its events, news first."""
        return *self.news, *self.others

    @property
    def listed(self) -> tuple[Case, ...]:
        """Its events that are in the list of all events alone."""
        return tuple(case for case in self.cases if case.is_listed)


@dataclass(frozen=True)
class ProviderAnswers:
    """The last weeks of one provider of imagery, and whether the last of them is worse than those before."""

    weeks: tuple[ProviderWeek, ...]
    is_worse: bool


@dataclass(frozen=True)
class ClaimLine:
    """A claim about a place, and its answer."""

    place: AreaSection
    claim: ClaimRecord
    answer: AnswerRecord | None


@dataclass(frozen=True)
class ReportPage:
    """The whole report."""

    week: Week
    source: str
    is_simulated: bool
    is_restricted: bool
    edition: Edition
    crowd: RestrictedTotals | None
    tally: Tally
    counts: tuple[WeekCounts, ...]
    sketch: Sketch
    cloud_map: Sketch
    alerts: tuple[Case, ...]
    cases: tuple[Case, ...]
    hidden: tuple[AreaSection, ...]
    failed: tuple[AreaSection, ...]
    unfamiliar: tuple[AreaSection, ...]
    missing: tuple[AreaSection, ...]
    clouded: tuple[AreaSection, ...]
    providers: tuple[ProviderAnswers, ...]
    places: tuple[AreaSection, ...]
    quiet: tuple[AreaSection, ...]
    accounts: tuple[AreaSection, ...]
    totals: tuple[Total, ...]
    ranking: Ranking
    notes: tuple[str, ...]
    years: str
    reviewed: tuple[StatedBand, ...]
    contradicted: frozenset[float]
    missed: MissedFigures | None
    muted: MutedFigures | None
    relocation: RelocationFigures | None
    claims: tuple[ClaimLine, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether places are shown one by one: not where all that there are are told together."""
        return self.crowd is None or bool(self.places or self.quiet)


def page_of(inputs: ReportInputs) -> ReportPage:
    """Lay out a week: places with news first, then those with older events, then the quiet ones."""
    anchors = Anchors()
    has_links = inputs.is_restricted and inputs.edition is Edition.OWNER
    is_public = inputs.edition is Edition.PUBLIC
    places = [_place(view, inputs.week, anchors, has_links=has_links, is_public=is_public) for view in inputs.areas]
    cases = [case for place in places for case in place.news]
    accounts = ordered(place.account for place in places if place.account is not None)
    by_id = {place.area.id: place for place in places}
    with_events = [place for place in places if place.cases]
    return ReportPage(
        week=inputs.week,
        source=inputs.source,
        is_simulated=inputs.is_simulated,
        tally=tally_of(
            (EventNews(place.area.id, case.facts, case.is_new) for place in places for case in place.news),
            (place.look for place in places),
        ),
        is_restricted=inputs.is_restricted,
        edition=inputs.edition,
        crowd=inputs.crowd,
        counts=inputs.counts,
        sketch=_sketch([_mark(place) for place in places], inputs),
        cloud_map=_sketch([_cloud_mark(place) for place in places], inputs),
        alerts=tuple(sorted((case for case in cases if case.facts.is_alerted), key=weight_of)),
        cases=tuple(sorted((case for place in places for case in place.cases), key=weight_of)),
        hidden=tuple(place for place in places if place.look.sight in (WeekVisibility.NONE, WeekVisibility.HARDLY)),
        failed=tuple(place for place in places if place.look.sight is WeekVisibility.FAILED),
        unfamiliar=tuple(place for place in places if place.look.unfamiliar is not None),
        missing=tuple(place for place in places if place.arrivals is not None and place.arrivals.missing),
        clouded=_clouded(places),
        providers=_answers(inputs.providers),
        places=tuple(sorted(with_events, key=lambda place: not place.news)),
        quiet=tuple(place for place in places if not place.cases),
        accounts=tuple(by_id[account.area.id] for account in accounts),
        totals=totals_of(accounts),
        ranking=ranking_of(case for place in places for case in place.cases),
        notes=inputs.notes,
        years=_years(inputs),
        reviewed=inputs.reviewed,
        contradicted=inputs.contradicted,
        missed=inputs.missed,
        muted=inputs.muted,
        relocation=inputs.relocation,
        claims=_claims(inputs, by_id),
    )


def _claims(inputs: ReportInputs, places: Mapping[str, AreaSection]) -> tuple[ClaimLine, ...]:
    """Claims by urgency: what is contradicted first, then the newest."""
    urgency = [ClaimAnswer.CONTRADICTED, ClaimAnswer.NOT_SEEN, ClaimAnswer.SUPPORTED, ClaimAnswer.NOT_MEASURABLE]

    def weight(line: ClaimLine) -> tuple[int, int, str, str]:
        rank = len(urgency) if line.answer is None else urgency.index(line.answer.answer)
        return rank, -line.claim.said_on.toordinal(), line.claim.area_id, line.claim.claim_id

    known = [one for one in inputs.claims if one.claim.area_id in places]
    lines = [ClaimLine(places[one.claim.area_id], one.claim, one.answer) for one in known]
    return tuple(sorted(lines, key=weight))


def _sketch(marks: Sequence[MapMark], inputs: ReportInputs) -> Sketch:
    """Tiles and a map; the public edition has no map."""
    drawn = sketch_of(marks, is_restricted=inputs.is_restricted)
    return drawn if inputs.edition is Edition.OWNER else replace(drawn, pins=())


def _mark(place: AreaSection) -> MapMark:
    return MapMark(place.area, place.anchor, place.label, _tone(place))


def _cloud_mark(place: AreaSection) -> MapMark:
    tone = CloudCover.UNKNOWN
    if place.clouds is not None:
        share = place.clouds.share
        tone = next((tone for least, tone in CLOUD_STEPS if share >= least), CloudCover.FEW)
    return MapMark(place.area, place.anchor, place.label, tone)


def _clouded(places: Sequence[AreaSection]) -> tuple[AreaSection, ...]:
    """Those of which something is known, the most hidden first."""
    known = [(place, place.clouds.share) for place in places if place.clouds is not None]
    return tuple(place for place, share in sorted(known, key=lambda one: (-one[1], one[0].area.id)))


def _answers(weeks: Sequence[ProviderWeek]) -> tuple[ProviderAnswers, ...]:
    names = sorted({one.provider for one in weeks})
    grouped = [[one for one in weeks if one.provider == name] for name in names]
    return tuple(ProviderAnswers(tuple(group[-PROVIDER_WEEKS:]), is_worse(group)) for group in grouped)


def _tone(place: AreaSection) -> MapStatus:
    """What a place is marked for, the most urgent first."""
    alerts = [case for case in place.cases if case.facts.is_alerted]
    if any(case.is_new for case in alerts):
        return MapStatus.NEW
    if any(case.is_changed for case in alerts):
        return MapStatus.CHANGED
    if place.look.sight is WeekVisibility.FAILED:
        return MapStatus.FAILED
    if place.look.sight in (WeekVisibility.NONE, WeekVisibility.HARDLY):
        return MapStatus.UNSEEN
    return MapStatus.EARLIER if alerts else MapStatus.QUIET


def _place(view: AreaView, week: Week, anchors: Anchors, *, has_links: bool, is_public: bool) -> AreaSection:
    label = view.area.name.strip() or view.area.id
    anchor = anchors.give("place", view.area.id)
    made = (
        replace(case_of(event, view.area, label, anchors), links=browser_links(event) if has_links else ())
        for event in view.events
    )
    cases = sorted(made, key=weight_of)
    others = tuple(case for case in cases if not case.is_news)
    ground = _perimeter(view.area)
    past = [seen for seen in view.weeks if seen.week <= week][-MOST_STRIP_WEEKS:]
    answers = [response.date for response in view.area.responses]
    return AreaSection(
        anchor=anchor,
        area=view.area,
        look=look_at(view, week),
        failure=view.failure,
        overview=_overview(view),
        strip=() if is_public else _strip(past, week),
        weeks_good=sum(seen.seen_share >= ENOUGH_SHARE for seen in past),
        weeks_known=len(past),
        news=tuple(case for case in cases if case.is_news),
        others=others,
        is_folded=sum(not case.is_listed for case in others) >= FOLD_FROM,
        arrivals=view.arrivals,
        next_due=view.next_due,
        clouds=view.clouds,
        account=account_of(view.area, [case.facts for case in cases], view.weeks, week),
        growth=growth_of(view.standings, answers, since=view.weeks[0].week.first_day if view.weeks else None),
        history=history_of(view.area, cases),
        perimeter_m=None if ground is None else float(ground.length),
        perimeter_m2=None if ground is None else float(ground.area),
        clock=view.clock,
    )


def _perimeter(area: Area) -> BaseGeometry | None:
    """A site's perimeter in metres, for its size alone."""
    if area.kind is not AreaKind.SITE:
        return None
    middle = area.geometry.centroid
    return to_utm(area.geometry, utm_epsg(middle.x, middle.y))


def _strip(past: Sequence[WeekSeen], week: Week) -> tuple[WeekSeen | None, ...]:
    known = {seen.week: seen for seen in past}
    length = MOST_STRIP_WEEKS if len(past) > STRIP_WEEKS else STRIP_WEEKS
    return tuple(known.get(week.plus(-back)) for back in reversed(range(length)))


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


def _years(inputs: ReportInputs) -> str:
    last = inputs.week.last_day.year
    first = min((day.year for view in inputs.areas for day in _days(view)), default=last)
    return str(last) if first >= last else f"{first}–{last}"


def _days(view: AreaView) -> Iterable[date]:
    chips = [view.overview, *(chip for event in view.events for chip in (event.before, event.after, *event.thumbs))]
    yield from (chip.day for chip in chips if chip is not None)
    yield from (day for event in view.events for series in event.series for day in series.days)
