"""The page of a year before it is written: every figure in its place and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from aois.area import AreaKind
from aois.week import Week, week_of
from detectors.claims.claim_rules import ClaimAnswer
from detectors.records import AlertKind
from flows.ledger.precision import Judged, Precision, Split, precision_of
from flows.records.claims import AnswerRecord, CheckedClaim, ClaimRecord
from flows.records.reviews import Verdict
from flows.reports.bar_chart import BarFrame, Bars, bars_of
from flows.reports.growth import gain_of
from flows.reports.inputs import AreaTotals, Edition, Extent, WeekSeen
from flows.reports.missed import MissedFigures
from flows.reports.restricted_totals import RestrictedTotals
from flows.reports.week_summary import ENOUGH_SHARE
from flows.reports.words import Words
from flows.reports.year_inputs import AreaYear, DetectorSpan, YearAlert, YearInputs

ALL = BarFrame(width=720, height=250, left=54, right=712, top=12, bottom=222, label=40)
ONE = BarFrame(width=300, height=118, left=40, right=296, top=8, bottom=96, label=44)
NOTHING = Extent(0.0, 0.0, 0.0)
URGENCY = (ClaimAnswer.CONTRADICTED, ClaimAnswer.NOT_SEEN, ClaimAnswer.SUPPORTED, ClaimAnswer.NOT_MEASURABLE)


@dataclass(frozen=True)
class MonthGain:
    """What one month added, at one site or at all of them; `sites` were watched by its end."""

    month: date
    built: Extent
    cleared: Extent
    demolished: Extent
    line_m: float
    sites: int = 1

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing was added."""
        amounts = (self.built, self.cleared, self.demolished)
        return not self.line_m and all(one.value == one.low == one.high == 0 for one in amounts)


@dataclass(frozen=True)
class SiteYear:
    """One site through the year; `bars` is None where nothing was built or demolished.

    `strip` has an entry for each week of the year, None where there is no record; it is empty in the public edition.
    `longest_gap` is the longest run of weeks on record that were not seen well enough.
    """

    anchor: str
    label: str
    area_id: str
    whole: MonthGain
    bars: Bars | None
    strip: tuple[WeekSeen | None, ...]
    weeks_good: int
    weeks_known: int
    longest_gap: int


@dataclass(frozen=True)
class YearClaim:
    """A claim of the year about a place, and its answer."""

    place: SiteYear
    claim: ClaimRecord
    answer: AnswerRecord | None


@dataclass(frozen=True)
class YearSuspect:
    """A suspect site that was first told of in the year."""

    region: str
    alert: YearAlert


@dataclass(frozen=True)
class YearPage:
    """The whole page; `months` holds None for a month in which no site was watched to its end."""

    year: int
    until: Week
    is_over: bool
    is_simulated: bool
    edition: Edition
    crowd: RestrictedTotals | None
    months: tuple[MonthGain | None, ...]
    whole: MonthGain
    bars: Bars | None
    sites: tuple[SiteYear, ...]
    regions: int
    claims: tuple[YearClaim, ...]
    answers: Mapping[ClaimAnswer, int]
    missed: MissedFigures | None
    seen_weeks: int
    known_weeks: int
    alerts: int
    precision: tuple[Precision, ...]
    suspects: tuple[YearSuspect, ...]
    versions: tuple[DetectorSpan, ...]

    @property
    def growing(self) -> tuple[SiteYear, ...]:
        """The sites at which anything was measured, those with most change first."""
        return tuple(site for site in self.sites if not site.whole.is_nothing)

    @property
    def all_months(self) -> tuple[date, ...]:
        """The first day of each month."""
        return tuple(date(self.year, month, 1) for month in range(1, 13))

    @property
    def months_unwatched(self) -> tuple[date, ...]:
        """The months to whose end no site was watched."""
        return tuple(day for day, gain in zip(self.all_months, self.months, strict=True) if gain is None)

    @property
    def is_open(self) -> bool:
        """Whether places are shown one by one."""
        return bool(self.sites or self.regions)


def year_page_of(inputs: YearInputs) -> YearPage:
    """Lay out a year: sites with most change first."""
    watched = [one for one in inputs.areas if one.area.kind is AreaKind.SITE]
    gains = {one.area.id: months_of(one.totals, inputs.year) for one in watched}
    months = tuple(_together([gain[n] for gain in gains.values()]) for n in range(12))
    scale = _scale(gain for gains_of_one in gains.values() for gain in gains_of_one)
    sites = sorted((_site(one, gains[one.area.id], inputs, scale) for one in watched), key=_weight)
    of_id = {site.area_id: site for site in sites}
    claims = _claims(inputs.claims, of_id, inputs.year)
    alerts = [alert for one in inputs.areas for alert in one.alerts]
    return YearPage(
        year=inputs.year,
        until=inputs.until,
        is_over=inputs.until.plus(1).last_day.year > inputs.year,
        is_simulated=inputs.is_simulated,
        edition=inputs.edition,
        crowd=inputs.crowd,
        months=months,
        whole=_sum([site.whole for site in sites], date(inputs.year, 1, 1), len(sites)),
        bars=_bars(months, ALL, None, with_cleared=True),
        sites=tuple(sites),
        regions=sum(one.area.kind is AreaKind.REGION for one in inputs.areas),
        claims=claims,
        answers=Counter(line.answer.answer for line in claims if line.answer is not None),
        missed=inputs.missed,
        seen_weeks=sum(site.weeks_good for site in sites),
        known_weeks=sum(site.weeks_known for site in sites),
        alerts=len(alerts),
        precision=_precision(alerts) if inputs.edition is Edition.OWNER else (),
        suspects=_suspects(inputs.areas),
        versions=inputs.versions,
    )


def months_of(totals: Sequence[AreaTotals], year: int) -> tuple[MonthGain | None, ...]:
    """Tell what each month of a year added; None where the watch had not begun, or the month is not over.

    A month is told by the totals of the last week that ended in it, so a gain lies in the month in which it was
    measured.
    """
    last_of = {(one.day.year, one.day.month): one for one in totals[1:]}
    before, gains = _before(totals, year), []
    for month in range(1, 13):
        end = last_of.get((year, month))
        gains.append(None if end is None or before is None else _gain(before, end, date(year, month, 1)))
        before = end or before
    return tuple(gains)


def _before(totals: Sequence[AreaTotals], year: int) -> AreaTotals | None:
    """The totals at the end of the year before, or where the watch began if that was later."""
    return next((one for one in reversed(totals) if one.day.year < year), totals[0] if totals else None)


def _whole(totals: Sequence[AreaTotals], year: int) -> MonthGain:
    before, first = _before(totals, year), date(year, 1, 1)
    return MonthGain(first, NOTHING, NOTHING, NOTHING, 0.0) if before is None else _gain(before, totals[-1], first)


def _gain(before: AreaTotals, end: AreaTotals, month: date) -> MonthGain:
    return MonthGain(
        month,
        built=gain_of(before.built, end.built),
        cleared=gain_of(before.cleared, end.cleared),
        demolished=gain_of(before.demolished, end.demolished),
        line_m=end.line_m - before.line_m,
    )


def _together(gains: Sequence[MonthGain | None]) -> MonthGain | None:
    known = [gain for gain in gains if gain is not None]
    return _sum(known, known[0].month, len(known)) if known else None


def _sum(gains: Sequence[MonthGain], month: date, sites: int) -> MonthGain:
    """The sum; the ends of intervals are added up, as if all sizes erred the same way."""
    return MonthGain(
        month,
        built=_added(gain.built for gain in gains),
        cleared=_added(gain.cleared for gain in gains),
        demolished=_added(gain.demolished for gain in gains),
        line_m=sum(gain.line_m for gain in gains),
        sites=sites,
    )


def _added(extents: Iterable[Extent]) -> Extent:
    held = list(extents)
    return Extent(sum(one.value for one in held), sum(one.low for one in held), sum(one.high for one in held))


def _scale(gains: Iterable[MonthGain | None]) -> tuple[float, float]:
    ends = [extent for gain in gains if gain is not None for extent in (gain.built, gain.demolished)]
    return min((0.0, *(one.low for one in ends))), max((1.0, *(one.high for one in ends)))


def _bars(
    gains: Sequence[MonthGain | None], frame: BarFrame, scale: tuple[float, float] | None, *, with_cleared: bool
) -> Bars | None:
    if all(gain is None or gain.is_nothing for gain in gains):
        return None
    names = ("built", "cleared", "demolished") if with_cleared else ("built", "demolished")
    rows = [[None if gain is None else getattr(gain, name) for gain in gains] for name in names]
    if not any(one.high or one.low for row in rows for one in row if one is not None):
        return None
    return bars_of(rows, frame, scale=scale)


def _site(one: AreaYear, gains: Sequence[MonthGain | None], inputs: YearInputs, scale: tuple[float, float]) -> SiteYear:
    known = {seen.week: seen for seen in one.weeks}
    is_public = inputs.edition is Edition.PUBLIC
    strip = () if is_public else tuple(known.get(week) for week in weeks_of(inputs.year))
    is_good = [seen.seen_share >= ENOUGH_SHARE for seen in one.weeks]
    return SiteYear(
        anchor=f"site-{one.area.id}",
        label=one.label,
        area_id=one.area.id,
        whole=_whole(one.totals, inputs.year),
        bars=_bars(gains, ONE, scale, with_cleared=False),
        strip=strip,
        weeks_good=sum(is_good),
        weeks_known=len(is_good),
        longest_gap=_longest_gap(is_good),
    )


def weeks_of(year: int) -> tuple[Week, ...]:
    """List the weeks that end in a year."""
    week = week_of(date(year, 1, 1))
    weeks = []
    while week.last_day.year == year:
        weeks.append(week)
        week = week.plus(1)
    return tuple(weeks)


def _longest_gap(is_good: Sequence[bool]) -> int:
    longest = running = 0
    for good in is_good:
        running = 0 if good else running + 1
        longest = max(longest, running)
    return longest


def _weight(site: SiteYear) -> tuple[float, float, str]:
    moved = abs(site.whole.built.value) + abs(site.whole.demolished.value)
    return -moved, -(site.whole.cleared.value + site.whole.line_m), site.area_id


def _claims(claims: Iterable[CheckedClaim], sites: Mapping[str, SiteYear], year: int) -> tuple[YearClaim, ...]:
    """Those that were said in the year, in the order of the days."""
    lines = [
        YearClaim(sites[one.claim.area_id], one.claim, one.answer)
        for one in claims
        if one.claim.area_id in sites and one.claim.said_on.year == year
    ]
    return tuple(sorted(lines, key=lambda line: (line.claim.said_on, line.claim.claim_id)))


def _precision(alerts: Iterable[YearAlert]) -> tuple[Precision, ...]:
    judged = [
        Judged(
            one.alert.area_id,
            one.alert.change.value,
            one.alert.confidence,
            Verdict(one.verdict) if one.verdict else None,
        )
        for one in alerts
    ]
    return (*precision_of(judged), *precision_of(judged, by=Split.CHANGE)) if judged else ()


def _suspects(areas: Iterable[AreaYear]) -> tuple[YearSuspect, ...]:
    found = [
        YearSuspect(one.label, alert)
        for one in areas
        for alert in one.alerts
        if alert.alert.kind is AlertKind.NEW_SUSPECT_SITE
    ]
    return tuple(sorted(found, key=lambda one: (one.alert.alert.issued_on, one.alert.alert.alert_id)))


def answers_text(words: Words, page: YearPage) -> str:
    """Count the answers to the claims of the year, those that contradict first."""
    told = [
        words("year.answer", answer=words(f"claim_answer.{answer}"), n=words.number(page.answers[answer]))
        for answer in URGENCY
        if page.answers.get(answer)
    ]
    return words("year.answers", answers=words.listing(told))


def year_headline(page: YearPage, words: Words) -> str:
    """Put the year in one plain paragraph."""
    until = words.day(page.until.last_day)
    if page.crowd is not None and page.crowd.watched and not page.is_open:
        return words.count("year.only_restricted", page.crowd.watched, until=until)
    said = [words.count("year.watched" if page.is_over else "year.watched_so_far", len(page.sites), until=until)]
    amounts = {
        name: words.hectares(getattr(page.whole, name))
        for name in ("built", "cleared", "demolished")
        if getattr(page.whole, name).high
    }
    said += [words(f"year.sum_{name}", amount=amount) for name, amount in amounts.items()]
    said += [words("year.sum_fences", length=words.length(page.whole.line_m))] if page.whole.line_m else []
    said += [] if amounts or page.whole.line_m else [words("year.sum_nothing")]
    said += [words.count("year.sum_alerts", page.alerts), words.count("year.sum_claims", len(page.claims))]
    if page.known_weeks:
        said.append(words("year.sum_seen", share=words.percent(page.seen_weeks / page.known_weeks)))
    return " ".join([*said, words("year.silence")])
