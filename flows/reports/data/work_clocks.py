"""The clock of works of a site, from the events and the clear looks on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from aois.area import Area, AreaKind
from aois.week import Week
from detectors.claims.work_phases import WorkSign, clock_of, never_stopped_after
from detectors.records import State
from flows.records.events import EventRecord
from flows.reports.inputs import SiteClock, WeekSeen

HELD = (State.CONFIRMED, State.FINISHED)


def site_clock(area: Area, week: Week, events: Sequence[EventRecord], weeks: Sequence[WeekSeen]) -> SiteClock | None:
    """The phases of a site by a week's end; None for a region, and before the first week on record."""
    known = [seen for seen in weeks if seen.week <= week]
    if area.kind is not AreaKind.SITE or not known:
        return None
    looks = sorted({seen.last_clear_look for seen in known if seen.last_clear_look is not None})
    since = known[0].week.first_day
    signs = work_signs(events, looks, since=since)
    clock = clock_of(signs, watched_since=since, looks=looks, today=week.last_day)
    days = sorted((r.date for r in area.responses if r.date <= week.last_day), reverse=True)
    went_on = next((day for day in days if never_stopped_after(signs, day, today=week.last_day)), None)
    return SiteClock(clock, went_on)


def work_signs(events: Sequence[EventRecord], looks: Sequence[date], *, since: date) -> tuple[WorkSign, ...]:
    """Every beginning and further step of the changes that are held to be real."""
    held = [event for event in events if event.state in HELD and not event.merged_into]
    return tuple(
        WorkSign(event.change, max((look for look in looks if look < day), default=since), day)
        for event in held
        for day in sorted({event.first_seen, *(step.on for step in event.steps)})
    )
