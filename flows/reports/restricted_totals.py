"""What the public edition says of restricted places: together, in classes, by whole quarters, never of one place.

A figure stands only where at least `FEWEST` places are behind it, and counts of places are rounded down to multiples of
that. What is said of places that may be known, as those with an official response, is said only where as many of them
are left out. So whoever has the page and a list of all the places cannot tell which of them a figure or a drawing is
about, and the difference between two weeks' pages is nothing, or a quarter.
"""

from __future__ import annotations

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

FEWEST = 5  # places behind a figure: the best guess of which one is meant is right at most one time in five
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

    0 is fewer than `FEWEST`, or nearly all.
    """

    answer: ResponseLevel
    sites: int
    outcomes: Mapping[SiteOutcome, int]


@dataclass(frozen=True)
class RestrictedTotals:
    """All restricted places together, as the record had them on the last day of a quarter.

    `watched` is the length of the list when the quarter's first page was built. `until` is None as long as no quarter
    is on record; everything else is then empty.
    """

    watched: int
    until: date | None = None
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


def restricted_totals_of(members: Sequence[Member], until: Week, *, fewest: int = FEWEST) -> RestrictedTotals:
    """Tell what the places come to at the end of a week.

    Parameters
    ----------
    members
        Every restricted place, with the events and weeks on record at that time.
    until
        The end of a quarter, as `quarter_end` gives it.
    fewest
        Places that have to stand behind a figure.
    """
    known = [member for member in members if member.weeks]
    if len(known) < fewest:
        return RestrictedTotals(len(members))
    held = [(member.area.id, facts) for member in known for facts in member.facts if _is_held(facts, until)]
    return RestrictedTotals(
        watched=len(members),
        until=until.last_day,
        seen=_among(_seen_well(known, until), len(known), fewest),
        groups=tuple(group for change in Change for group in _groups(change, held, fewest)),
        quarters=_quarters(held, until, fewest),
        answered=_answered(known, until, fewest),
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


def _at_least(number: int, fewest: int) -> int:
    return number // fewest * fewest


def _among(number: int, all_of_them: int, fewest: int) -> int:
    """A number of places out of some that may be known by name; 0 where nearly all are meant, which names each."""
    return _at_least(number, fewest) if all_of_them - number >= fewest else 0


def _places(held: Iterable[tuple[str, EventRecord]], fewest: int) -> int:
    return _at_least(len({area_id for area_id, _ in held}), fewest)


def _groups(change: Change, held: Sequence[tuple[str, EventRecord]], fewest: int) -> list[Group]:
    """The classes of a kind of change if each that occurs is told; else the kind as a whole; else nothing.

    Telling some of the classes and the whole would tell, by subtraction, of those that are left out.
    """
    alike = [(area_id, facts) for area_id, facts in held if facts.change is change]
    classes = {size: [one for one in alike if size_of(one[1]) is size] for size in SizeClass}
    counted = {size: _places(ones, fewest) for size, ones in classes.items() if ones}
    if counted and all(counted.values()):
        return [_group(change, size, places) for size, places in counted.items()]
    whole = _places(alike, fewest)
    return [Group(change, None, whole, None, None, None)] if whole else []


def _group(change: Change, size: SizeClass, places: int) -> Group:
    is_line = change is Change.FENCING
    small, large = LINE_BOUNDS_M if is_line else GROUND_BOUNDS_M2
    low, high = {SizeClass.SMALL: (None, small), SizeClass.MEDIUM: (small, large), SizeClass.LARGE: (large, None)}[size]
    ends = [end for end in (low, high) if end is not None]
    drawing = draw_line(ends, beside_m=large) if is_line else draw_ground(ends, beside_m2=large)
    return Group(change, size, places, low, high, drawing)


def _quarters(held: Sequence[tuple[str, EventRecord]], until: Week, fewest: int) -> tuple[Quarter, ...]:
    year, number = until.last_day.year, (until.last_day.month - 1) // 3 + 1
    told = []
    for back in range(MOST_QUARTERS):
        y, q = divmod(year * 4 + number - 1 - back, 4)
        within = [one for one in held if (one[1].first_seen.year, (one[1].first_seen.month - 1) // 3) == (y, q)]
        places = {change: _places((one for one in within if one[1].change is change), fewest) for change in Change}
        told.append(Quarter(y, q + 1, places))
    while told and not any(told[-1].places.values()):
        told.pop()
    return tuple(reversed(told))


def _answered(members: Sequence[Member], until: Week, fewest: int) -> tuple[Answered, ...]:
    accounts = [account_of(m.area, m.facts, m.weeks, until) for m in members]
    told = []
    for answer in ResponseLevel:
        alike = [account for account in accounts if account is not None and account.answer is answer]
        if len(alike) >= fewest:
            outcomes = {o: _among(sum(a.outcome is o for a in alike), len(alike), fewest) for o in SiteOutcome}
            told.append(Answered(answer, _at_least(len(alike), fewest), outcomes))
    return tuple(told)


def _seen_well(members: Sequence[Member], until: Week) -> int:
    """How many places were seen well enough in at least half of the quarter's weeks on record."""
    recent = [[w for w in m.weeks if until.plus(-12) <= w.week <= until] for m in members]
    return sum(bool(w) and sum(one.seen_share >= ENOUGH_SHARE for one in w) * 2 >= len(w) for w in recent)
