"""When a message may go out, and when to try again: pure functions of the time given."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

FIRST_WAIT = timedelta(minutes=1)
GROWTH = 4
LONGEST_WAIT = timedelta(hours=12)
ATTEMPTS = 12  # with these waits about four days: a channel that is down over a weekend loses nothing. Chosen.


class Schedule(StrEnum):
    """How soon a route tells."""

    IMMEDIATE = "immediate"
    WEEKLY = "weekly"


def hours_of(text: str) -> tuple[time, time]:
    """The ends of a span of hours written ``22:00-07:00``; raises `ValueError` for any other text."""
    try:
        start, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError:
        raise ValueError(f"`{text[:40]}` is not a span of hours; write it as 22:00-07:00") from None
    if start.tzinfo or end.tzinfo:
        raise ValueError(f"`{text}` names a time zone; write it as 22:00-07:00, and the zone as `timezone`")
    if start == end:
        raise ValueError(f"`{text}` makes either no hour or every hour quiet; give two different times")
    return start, end


def after_quiet_hours(now: datetime, quiet_hours: str | None, timezone: str) -> datetime:
    """The first instant from `now` on that is not in the quiet hours of a place."""
    if quiet_hours is None:
        return now
    start, end = hours_of(quiet_hours)
    local = now.astimezone(ZoneInfo(timezone))
    clock = local.time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not is_quiet:
        return now
    day = local.date() + timedelta(days=1 if start > end and clock >= start else 0)
    return datetime.combine(day, end, tzinfo=local.tzinfo).astimezone(now.tzinfo)


def next_weekly(now: datetime, *, weekday: int, hour: int, timezone: str) -> datetime:
    """The next time from `now` on that the clock of a place shows that hour of that weekday (1 is Monday)."""
    local = now.astimezone(ZoneInfo(timezone))
    day = local.date() + timedelta(days=(weekday - local.isoweekday()) % 7)
    due = datetime.combine(day, time(hour), tzinfo=local.tzinfo)
    if due < local:
        due = datetime.combine(day + timedelta(days=7), time(hour), tzinfo=local.tzinfo)
    return due.astimezone(now.tzinfo)


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts that failed, or None: it is given up."""
    if attempts >= ATTEMPTS:
        return None
    grown: int = GROWTH ** min(attempts - 1, 10)
    return now + min(FIRST_WAIT * grown, LONGEST_WAIT)


def is_due(due: datetime | None, *, set_at: datetime | None, now: datetime) -> bool:
    """Whether an instant has come that was set at another one.

    A clock that stands before the moment at which the instant was set has been put back: what waits is due then, since
    it might wait for years otherwise.
    """
    return due is None or now >= due or (set_at is not None and now < set_at)
