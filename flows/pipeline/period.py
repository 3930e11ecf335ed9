"""Which weeks a run works through, and the digest of everything each week rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from aois.week import Week, week_of, weeks_between
from flows.config.settings import SettingsError


@dataclass(frozen=True)
class RunRequest:
    """What a call asks for: any date may be left out. `today` is the day of the call, UTC.

    With `replay`, weeks from `since` on are worked through again though their digest is on record.
    """

    since: date | None
    until: date | None
    today: date
    replay: bool = False


@dataclass(frozen=True)
class Period:
    """The weeks to be true at the end of a run, in order, and the days of history before them."""

    weeks: tuple[Week, ...]
    history_from: date

    @property
    def last(self) -> Week:
        """Return the last week."""
        return self.weeks[-1]


def last_week(asked: RunRequest) -> Week:
    """Find the last week of a run: the one that holds `until`, or the latest complete one.

    Raises `SettingsError` for dates that no run can have.
    """
    if asked.until is not None and asked.until > asked.today:
        raise SettingsError(f"--until {asked.until} lies in the future; leave it out for the latest complete week")
    last = week_of(asked.until or asked.today - timedelta(days=7))
    end = asked.until or last.last_day
    if asked.since is not None and asked.since > end:
        raise SettingsError(f"--since {asked.since} lies after the end of the run, {end}; swap or correct the dates")
    return last


def period_of(asked: RunRequest, *, recorded: Iterable[Week], history_days: int, lookback_weeks: int) -> Period:
    """Find the period of one area.

    A watch that has begun goes on from where it began: weeks missed since are caught up in order, and a start earlier
    than the first recorded week replays all. A first watch without a date starts `lookback_weeks` before its end, so
    that its first report shows what has been going on.
    """
    known = sorted(recorded)
    last = last_week(asked)
    wanted = week_of(asked.since) if asked.since else known[0] if known else last.plus(1 - lookback_weeks)
    first = min(wanted, known[0]) if known else wanted
    last = max(last, known[-1]) if known and first < known[0] else last
    weeks = tuple(weeks_between(first.first_day, max(last, first).last_day))
    return Period(weeks, first.first_day - timedelta(days=history_days))
