"""ISO weeks in UTC, the beat of the watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aois.area import AreaError


@dataclass(frozen=True, order=True)
class Week:
    """One ISO week in UTC, Monday to Sunday, written ``2026-W47``.

    Attributes
    ----------
    year
        The year of ISO 8601, which can differ from the calendar's in the first and last days of a year.
    number
        1 to 53.
    """

    year: int
    number: int

    def __str__(self) -> str:
        """Write the week as ISO 8601 does."""
        return f"{self.year}-W{self.number:02d}"

    @property
    def first_day(self) -> date:
        """Return its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """Return its Sunday."""
        return date.fromisocalendar(self.year, self.number, 7)

    @property
    def end(self) -> datetime:
        """Return the first instant after it, UTC."""
        return datetime.combine(self.last_day, datetime.min.time(), UTC) + timedelta(days=1)

    def plus(self, weeks: int) -> Week:
        """Return the week that many weeks later (earlier if negative)."""
        return week_of(self.first_day + timedelta(weeks=weeks))


def week_of(day: date) -> Week:
    """Find the ISO week that a day lies in.

    Parameters
    ----------
    day
        A day, UTC.

    Returns
    -------
    Week.
    """
    iso = day.isocalendar()
    return Week(iso.year, iso.week)


def parse_week(text: str) -> Week:
    """Parse a week that is written as ``2026-W47``.

    Parameters
    ----------
    text
        What somebody wrote, without blanks around it.

    Returns
    -------
    Week.

    Raises
    ------
    AreaError
        For any other text, and for a week that the year does not have.
    """
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
    """List every week from the one that holds a day to the one that holds another.

    Parameters
    ----------
    since
        A day of the first week, UTC.
    until
        A day of the last week, UTC; none is listed where it lies in an earlier week than `since`.

    Returns
    -------
    Iterator of Week, in order.
    """
    week = week_of(since)
    while week.first_day <= until:
        yield week
        week = week.plus(1)
