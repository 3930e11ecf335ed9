"""What authorities did about a site, set against what was measured there before and since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from aois.area import Area, AreaKind, Response
from aois.week import Week
from detectors.records import Change, State
from flows.records.events import EventRecord
from flows.reports.inputs import Extent, WeekSeen
from flows.reports.week_summary import ENOUGH_SHARE

SHOWN = 12  # more are folded away: the first are those that matter
HELD = (State.CONFIRMED, State.FINISHED)
ENOUGH_WEEKS = 8  # chosen: two months of looks before calm is called calm
ENOUGH_OF_WEEKS = 0.5
FRESH_DAYS = 35  # a last clear look longer ago says nothing about how things stand


class ResponseLevel(StrEnum):
    """The strongest official response known."""

    INTERVENED = "intervened"
    INVESTIGATED = "investigated"
    NONE = "none"


class SiteOutcome(StrEnum):
    """What was measured since, or since the watch began where it began later."""

    EXPANDED = "expanded"
    DISMANTLED = "dismantled"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WatchSpan:
    """One stretch of a site's watch: its days and weeks, and what was measured to begin in it.

    The upper ends of `built` and `demolished` hold the `undated` events too, which may have begun before the stretch.
    """

    first: date
    last: date
    weeks: int
    weeks_seen: int
    built: Extent
    demolished: Extent
    line_m: float
    undated: int

    @property
    def months(self) -> float:
        """Its length in months."""
        return max((self.last - self.first).days + 1, 1) / (365.25 / 12)


@dataclass(frozen=True)
class SiteFollowUp:
    """One site: the response that counts, the watch before it (None if there was none) and since."""

    area: Area
    answer: ResponseLevel
    response: Response | None
    before: WatchSpan | None
    since: WatchSpan | None
    outcome: SiteOutcome
    provisional: int


@dataclass(frozen=True)
class Total:
    """All sites with one kind of answer."""

    answer: ResponseLevel
    sites: int
    by_outcome: dict[SiteOutcome, int]
    built: Extent
    demolished: Extent


def account_of(area: Area, facts: Sequence[EventRecord], weeks: Sequence[WeekSeen], week: Week) -> SiteFollowUp | None:
    """A site's account at the end of a week; None for a region.

    An event began between the last clear look before it was first seen and that day. Only one whose every possible
    beginning lies after the response counts as having begun since: what may be older is not held against anyone.
    """
    if area.kind is not AreaKind.SITE:
        return None
    answer, response = _answer(area, week)
    known = [seen for seen in weeks if seen.week <= week]
    since_day = response.date if response else date.min
    since = _span(facts, known, max(since_day, _start(known)), week.last_day) if known else None
    is_watched_before = response is not None and known and known[0].week.first_day < since_day
    before = _span(facts, known, _start(known), since_day - timedelta(days=1)) if is_watched_before else None
    late = [f for f in facts if f.state is State.PROVISIONAL and f.first_seen >= since_day]
    return SiteFollowUp(area, answer, response, before, since, _outcome(since, known), len(late))


def ordered(accounts: Iterable[SiteFollowUp]) -> tuple[SiteFollowUp, ...]:
    """Sites where work went on after an intervention first, then by answer, outcome and size."""
    answers, outcomes = list(ResponseLevel), list(SiteOutcome)

    def urgency(account: SiteFollowUp) -> tuple[int, int, float, str]:
        built = account.since.built.value if account.since else 0.0
        return answers.index(account.answer), outcomes.index(account.outcome), -built, account.area.id

    return tuple(sorted(accounts, key=urgency))


def totals_of(accounts: Sequence[SiteFollowUp]) -> tuple[Total, ...]:
    """One total for each kind of answer that occurs, the strongest first."""
    return tuple(
        _total(answer, held) for answer in ResponseLevel if (held := [a for a in accounts if a.answer is answer])
    )


def _total(answer: ResponseLevel, accounts: Sequence[SiteFollowUp]) -> Total:
    spans = [a.since for a in accounts if a.since is not None]
    counted = {outcome: sum(a.outcome is outcome for a in accounts) for outcome in SiteOutcome}
    built, demolished = _sum(s.built for s in spans), _sum(s.demolished for s in spans)
    return Total(answer, len(accounts), counted, built, demolished)


def _answer(area: Area, week: Week) -> tuple[ResponseLevel, Response | None]:
    """The strongest answer by the end of a week, and the last response of that strength."""
    known = sorted((r for r in area.responses if r.date <= week.last_day), key=lambda r: r.date)
    for answer in (ResponseLevel.INTERVENED, ResponseLevel.INVESTIGATED):
        alike = [r for r in known if r.action == answer]
        if alike:
            return answer, alike[-1]
    return ResponseLevel.NONE, None


def _start(weeks: Sequence[WeekSeen]) -> date:
    return weeks[0].week.first_day


def _span(facts: Sequence[EventRecord], weeks: Sequence[WeekSeen], first: date, last: date) -> WatchSpan:
    within = [seen for seen in weeks if first <= seen.week.last_day and seen.week.first_day <= last]
    held = [f for f in facts if f.state in HELD and not f.merged_into and first <= f.first_seen <= last]
    dated = [f for f in held if _begun_after(f, weeks) >= first]
    undated = [f for f in held if f not in dated]
    return WatchSpan(
        first=first,
        last=last,
        weeks=len(within),
        weeks_seen=sum(seen.seen_share >= ENOUGH_SHARE for seen in within),
        built=_extent(Change.CONSTRUCTION, dated, undated),
        demolished=_extent(Change.DEMOLITION, dated, undated),
        line_m=sum(f.length_m or 0.0 for f in dated if f.change is Change.FENCING),
        undated=sum(f.change is not Change.CLEARING for f in undated),
    )


def _begun_after(facts: EventRecord, weeks: Sequence[WeekSeen]) -> date:
    """The last clear look on record before an event was first seen; the start of the watch where there is none."""
    looks = [seen.last_clear_look for seen in weeks if seen.last_clear_look is not None]
    return max((day for day in looks if day < facts.first_seen), default=_start(weeks))


def _extent(change: Change, dated: Sequence[EventRecord], undated: Sequence[EventRecord]) -> Extent:
    sure = _sum(_size(f) for f in dated if f.change is change)
    maybe = _sum(_size(f) for f in undated if f.change is change)
    return Extent(sure.value, sure.low, sure.high + maybe.high)


def _size(facts: EventRecord) -> Extent:
    return Extent(facts.area_m2, facts.area_m2_low, facts.area_m2_high)


def _sum(extents: Iterable[Extent]) -> Extent:
    held = list(extents)
    return Extent(sum(e.value for e in held), sum(e.low for e in held), sum(e.high for e in held))


def _outcome(since: WatchSpan | None, weeks: Sequence[WeekSeen]) -> SiteOutcome:
    """The direction that was measured; calm only where enough was seen, and where nothing may be older or newer."""
    if since is None:
        return SiteOutcome.UNKNOWN
    if since.demolished.low > since.built.high:
        return SiteOutcome.DISMANTLED
    if since.built.low > 0 or since.line_m > 0:
        return SiteOutcome.EXPANDED
    last = weeks[-1].last_clear_look
    is_seen = since.weeks >= ENOUGH_WEEKS and since.weeks_seen >= ENOUGH_OF_WEEKS * since.weeks
    is_fresh = last is not None and (since.last - last).days <= FRESH_DAYS
    is_calm = since.undated == 0 and since.demolished.high == 0
    return SiteOutcome.UNCHANGED if is_seen and is_fresh and is_calm else SiteOutcome.UNKNOWN
