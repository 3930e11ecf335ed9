"""ISO weeks in UTC, the beat of the watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aois.area import AreaError


@dataclass(frozen=True, order=True)
class Week:
    """One ISO week, Monday to Sunday, written ``2026-W47``."""

    year: int
    number: int

    def __str__(self) -> str:
        """As ISO 8601 writes it."""
        return f"{self.year}-W{self.number:02d}"

    @property
    def first_day(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """Its Sunday."""
        return date.fromisocalendar(self.year, self.number, 7)

    @property
    def end(self) -> datetime:
        """The first instant after it, UTC."""
        return datetime.combine(self.last_day, datetime.min.time(), UTC) + timedelta(days=1)

    def plus(self, weeks: int) -> Week:
        """The week that many weeks later (earlier if negative)."""
        return week_of(self.first_day + timedelta(weeks=weeks))


def week_of(day: date) -> Week:
    """The week a day lies in."""
    iso = day.isocalendar()
    return Week(iso.year, iso.week)


def parse_week(text: str) -> Week:
    """Read ``2026-W47``; raises `AreaError` for anything else."""
    match = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", text)
    try:
        if match is None:
            raise ValueError
        week = Week(int(match[1]), int(match[2]))
        week.first_day  # noqa: B018  a week 54 is refused here
    except ValueError:
        raise AreaError(f"week `{text}` is not an ISO week; write it as 2026-W47") from None
    return week


def weeks_between(since: date, until: date) -> Iterator[Week]:
    """Every week from the one that holds `since` to the one that holds `until`, in order."""
    week = week_of(since)
    while week.first_day <= until:
        yield week
        week = week.plus(1)
