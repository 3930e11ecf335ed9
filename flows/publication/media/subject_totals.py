"""The totals of a subject by month, from the ledger: of its own events, as they were known at each month's end."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from aois.week import week_of
from flows.ledger.ledger import Ledger
from flows.publication.pack_subject import PackSubject
from flows.reports.data.monthly_totals import standings_of
from flows.reports.inputs import AreaTotals

MOST_MONTHS = 120


def watch_began(subject: PackSubject, ledger: Ledger) -> date | None:
    """Find the first day of the first week of a subject's place on record, or None."""
    seen = ledger.observations(until=week_of(subject.until), area_id=subject.area.id)
    return min(one.week for one in seen).first_day if seen else None


def totals_of(subject: PackSubject, ledger: Ledger) -> tuple[AreaTotals, ...]:
    """Sum up what was measured of a subject by each month's end; empty where no week of the area is on record.

    It begins with the subject's first day, or with the first week on record where that is later: of the time before,
    nobody can say that nothing was built.
    """
    until, began = week_of(subject.until), watch_began(subject, ledger)
    if began is None:
        return ()
    since = week_of(max(subject.first, began))
    counted = counted_ids(subject, ledger)
    return standings_of(
        subject.area.id, since=since, week=until, ledger=ledger, is_quiet=False, only=counted, most_months=MOST_MONTHS
    )


def by_whole_months(standings: Sequence[AreaTotals]) -> tuple[AreaTotals, ...]:
    """Date every total by the last day of its month, so that no day of the record is told; one for each month."""
    by_month = {month_end(standing.day): standing for standing in standings}
    return tuple(replace(standing, day=day) for day, standing in by_month.items())


def month_end(day: date) -> date:
    """Find the last day of the month of a day."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def counted_ids(subject: PackSubject, ledger: Ledger) -> frozenset[str]:
    """Give the ids of a subject's events and of those that became part of them: each counts until that day."""
    known = ledger.events(subject.area.id, as_of=week_of(subject.until))
    ids = {event.event_id for event in subject.events}
    while more := {event.event_id for event in known if event.merged_into in ids} - ids:
        ids |= more
    return frozenset(ids)
