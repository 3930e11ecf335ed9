"""The totals of a subject by month, from the ledger: of its own events, as they were known at each month's end."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from aois.week import week_of
from flows.ledger.ledger import Ledger
from flows.publication.pack_subject import PackSubject
from flows.records.events import EventRecord
from flows.reports.data.monthly_totals import standings_of
from flows.reports.inputs import AreaTotals

MOST_MONTHS = 120


def totals_of(subject: PackSubject, ledger: Ledger) -> tuple[AreaTotals, ...]:
    """Sum up what was measured of a subject by each month's end; empty where no week of the area is on record.

    It begins with the subject's first day, or with the first week on record where that is later: of the time before,
    nobody can say that nothing was built.
    """
    until = week_of(subject.until)
    seen = ledger.observations(until=until, area_id=subject.area.id)
    if not seen:
        return ()
    since = max(week_of(subject.first), min(one.week for one in seen))
    counted = _counted(subject.events, ledger.events(subject.area.id, as_of=until))
    return standings_of(
        subject.area.id, since=since, week=until, ledger=ledger, is_quiet=False, only=counted, most_months=MOST_MONTHS
    )


def by_whole_months(standings: Sequence[AreaTotals]) -> tuple[AreaTotals, ...]:
    """Date every total by the last day of its month, so that no day of the record is told; one for each month."""
    by_month = {_month_end(standing.day): standing for standing in standings}
    return tuple(replace(standing, day=day) for day, standing in by_month.items())


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _counted(chosen: Sequence[EventRecord], known: Sequence[EventRecord]) -> frozenset[str]:
    """The ids of the chosen events and of those that became part of them."""
    ids = {event.event_id for event in chosen}
    while more := {event.event_id for event in known if event.merged_into in ids} - ids:
        ids |= more
    return frozenset(ids)
