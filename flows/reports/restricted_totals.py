"""What the public edition says of restricted places: together, in classes, by whole quarters, never of one place.

A figure stands only where many places are behind it and as many are not, and it tells that and no number beyond. So
whoever has the page and the record of every place on a longer list hardly knows better than before which of them it is
about; of a short list nothing is told. The difference between two weeks' pages is nothing, or a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from aois.area import Area
from aois.week import Week, week_of
from detectors.records import Change
from flows.records.events import EventRecord
from flows.reports.accountability import HELD, ResponseLevel, SiteOutcome, account_of
from flows.reports.drawings import Drawing, draw_ground, draw_line
from flows.reports.inputs import WeekSeen
from flows.reports.week_summary import ENOUGH_SHARE

FEWEST = 20  # places behind a figure and beside it; chosen with a finder who knows every event, see the README
PARTS = 3  # of long lists, a third: the more places, the nearer a count comes to what holds for all of them
MOST_QUARTERS = 8
GROUND_BOUNDS_M2 = (1_000.0, 5_000.0)
LINE_BOUNDS_M = (200.0, 500.0)


class SizeClass(StrEnum):
    """How large a change is, in three classes; what is in none is left out of them."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True)
class Member:
    """A restricted place as the record had it at the end of a quarter."""

    area: Area
    facts: tuple[EventRecord, ...]
    weeks: tuple[WeekSeen, ...]


@dataclass(frozen=True)
class Group:
    """One kind of change in one class of size (None: of any size), at how many places at least.

    `low` and `high` are the ends of the class in m², or in m for fences and walls; None where it has no end.
    """

    change: Change
    size: SizeClass | None
    places: int
    low: float | None
    high: float | None
    drawing: Drawing | None


@dataclass(frozen=True)
class Quarter:
    """At how many places at least a change of each kind was first seen in a quarter; 0: at fewer, or none."""

    year: int
    number: int
    places: Mapping[Change, int]


@dataclass(frozen=True)
class Answered:
    """Sites with one kind of official response, by what was measured since.

    0 is too few, or nearly all.
    """

    answer: ResponseLevel
    sites: int
    outcomes: Mapping[SiteOutcome, int]


@dataclass(frozen=True)
class RestrictedTotals:
    """All restricted places together, as the record had them on the last day of a quarter.

    `watched` is the length of the list when the quarter's first page was built. `until` is None as long as no quarter
    is on record, or the list is too short; everything else is then empty. `fewest` places are behind each figure.
    """

    watched: int
    until: date | None = None
    fewest: int = FEWEST
    seen: int = 0
    groups: tuple[Group, ...] = ()
    quarters: tuple[Quarter, ...] = ()
    answered: tuple[Answered, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether there is anything to tell but how many places are watched."""
        return bool(self.groups)


def quarter_end(week: Week) -> Week:
    """Give the last week that lies before the end of the last quarter that is over when a week ends."""
    after = week.last_day + timedelta(days=1)
    end = date(after.year, 3 * ((after.month - 1) // 3) + 1, 1) - timedelta(days=1)
    last = week_of(end)
    return last if last.last_day == end else last.plus(-1)


def fewest_of(places: int) -> int:
    """Give how many of so many places have to stand behind a figure, and as many beside it."""
    return max(FEWEST, math.ceil(places / PARTS))


def restricted_totals_of(members: Sequence[Member], until: Week, *, fewest: int | None = None) -> RestrictedTotals:
    """Tell what the places come to at the end of a week.

    Parameters
    ----------
    members
        Every restricted place, with the events and weeks on record at that time.
    until
        The end of a quarter, as `quarter_end` gives it.
    fewest
        Places that have to stand behind a figure, and beside it; as `fewest_of` gives them if left out.
    """
    known = [member for member in members if member.weeks]
    limit = fewest_of(len(members)) if fewest is None else fewest
    if len(known) < 2 * limit:
        return RestrictedTotals(len(members), fewest=limit)
    held = [(member.area.id, facts) for member in known for facts in member.facts if _is_held(facts, until)]
    rule = _Rule(limit, len(known))
    return RestrictedTotals(
        watched=len(members),
        until=until.last_day,
        fewest=limit,
        seen=rule.told(_seen_well(known, until)),
        groups=tuple(group for change in Change for group in _groups(change, held, rule)),
        quarters=_quarters(held, until, rule),
        answered=_answered(known, until, rule),
    )


def size_of(facts: EventRecord) -> SizeClass | None:
    """Give the class of a change: by length for a fence or wall, by ground for everything else."""
    is_line = facts.change is Change.FENCING
    value = facts.length_m if is_line else facts.area_m2
    if value is None:
        return None
    small, large = LINE_BOUNDS_M if is_line else GROUND_BOUNDS_M2
    return SizeClass.SMALL if value < small else SizeClass.MEDIUM if value < large else SizeClass.LARGE


def _is_held(facts: EventRecord, until: Week) -> bool:
    return facts.state in HELD and not facts.merged_into and facts.first_seen <= until.last_day


@dataclass(frozen=True)
class _Rule:
    """When a number of places out of all that are known is told."""

    fewest: int
    known: int

    def told(self, number: int, *, out_of: int | None = None) -> int:
        """The number that is told: `fewest` or, where too few places are meant or nearly all, 0."""
        beside = (self.known if out_of is None else out_of) - number
        return self.fewest if min(number, beside) >= self.fewest else 0


def _places(held: Iterable[tuple[str, EventRecord]], rule: _Rule) -> int:
    return rule.told(len({area_id for area_id, _ in held}))


def _groups(change: Change, held: Sequence[tuple[str, EventRecord]], rule: _Rule) -> list[Group]:
    """The classes of a kind of change if each that occurs is told; else the kind as a whole; else nothing.

    Telling some of the classes and the whole would tell, by subtraction, of those that are left out.
    """
    alike = [(area_id, facts) for area_id, facts in held if facts.change is change]
    classes = {size: [one for one in alike if size_of(one[1]) is size] for size in SizeClass}
    counted = {size: _places(ones, rule) for size, ones in classes.items() if ones}
    if counted and all(counted.values()):
        return [group_of(change, size, places) for size, places in counted.items()]
    whole = _places(alike, rule)
    return [Group(change, None, whole, None, None, None)] if whole else []


def group_of(change: Change, size: SizeClass, places: int) -> Group:
    """Give a kind of change in one class of size with the ends of the class, drawn to scale."""
    is_line = change is Change.FENCING
    small, large = LINE_BOUNDS_M if is_line else GROUND_BOUNDS_M2
    low, high = {SizeClass.SMALL: (None, small), SizeClass.MEDIUM: (small, large), SizeClass.LARGE: (large, None)}[size]
    ends = [end for end in (low, high) if end is not None]
    drawing = draw_line(ends, beside_m=large) if is_line else draw_ground(ends, beside_m2=large)
    return Group(change, size, places, low, high, drawing)


def _quarters(held: Sequence[tuple[str, EventRecord]], until: Week, rule: _Rule) -> tuple[Quarter, ...]:
    year, number = until.last_day.year, (until.last_day.month - 1) // 3 + 1
    told = []
    for back in range(MOST_QUARTERS):
        y, q = divmod(year * 4 + number - 1 - back, 4)
        within = [one for one in held if (one[1].first_seen.year, (one[1].first_seen.month - 1) // 3) == (y, q)]
        places = {change: _places((one for one in within if one[1].change is change), rule) for change in Change}
        told.append(Quarter(y, q + 1, places))
    while told and not any(told[-1].places.values()):
        told.pop()
    return tuple(reversed(told))


def _answered(members: Sequence[Member], until: Week, rule: _Rule) -> tuple[Answered, ...]:
    found = (account_of(m.area, m.facts, m.weeks, until) for m in members)
    accounts = [account for account in found if account is not None]  # regions are answered by nobody, and hide no site
    told = []
    for answer in ResponseLevel:
        alike = [account for account in accounts if account.answer is answer]
        if sites := rule.told(len(alike), out_of=len(accounts)):
            outcomes = {o: rule.told(sum(a.outcome is o for a in alike), out_of=len(alike)) for o in SiteOutcome}
            told.append(Answered(answer, sites, outcomes))
    return tuple(told)


def _seen_well(members: Sequence[Member], until: Week) -> int:
    """How many places were seen well enough in at least half of the quarter's weeks on record."""
    recent = [[w for w in m.weeks if until.plus(-12) <= w.week <= until] for m in members]
    return sum(bool(w) and sum(one.seen_share >= ENOUGH_SHARE for one in w) * 2 >= len(w) for w in recent)
