"""What had been measured at an area by the end of each month, from the ledger."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date, timedelta

from aois.week import Week, week_of
from detectors.records import Change, State
from flows.ledger.ledger import Ledger
from flows.records.events import EventRecord
from flows.reports.inputs import AreaTotals, Extent, StateStep

HELD = (State.CONFIRMED, State.FINISHED)  # what is provisional may yet turn out to be nothing
MOST_MONTHS = 36


def standings_of(
    area_id: str,
    *,
    since: Week,
    week: Week,
    ledger: Ledger,
    is_quiet: bool,
    only: Container[str] | None = None,
    most_months: int = MOST_MONTHS,
) -> tuple[AreaTotals, ...]:
    """The standing before the first week on record, at the end of each month since, and at the end of a week.

    A month is told by the last week that ended in it; of a long watch, the last `most_months` are told. `is_quiet`
    spares the ledger where no event is on record. `only` are the ids of the events that count; all where left out.
    """
    marks = [since.plus(-1), *month_ends(since, week)][-most_months - 1 :]

    def events(until: Week) -> list[EventRecord]:
        held = [] if is_quiet else ledger.events(area_id, as_of=until)
        return [event for event in held if only is None or event.event_id in only]

    return tuple(area_totals_of(mark.last_day, events(mark)) for mark in marks)


def area_totals_of(day: date, events: Iterable[EventRecord]) -> AreaTotals:
    """The sum over confirmed and finished events; an event that was taken over by another counts in that one alone."""
    held = [event for event in events if event.state in HELD and event.merged_into is None]
    lines = [event for event in held if event.change is Change.FENCING]
    return AreaTotals(
        day=day,
        built=_extent(event for event in held if event.change is Change.CONSTRUCTION),
        cleared=_extent(event for event in held if event.change is Change.CLEARING),
        demolished=_extent(event for event in held if event.change is Change.DEMOLITION),
        line_m=sum(event.length_m or 0.0 for event in lines),
        closure=max((event.closure for event in lines if event.closure is not None), default=None),
    )


def steps_of(event_id: str, *, until: Week, state: State, ledger: Ledger) -> tuple[StateStep, ...]:
    """The states that an event went through, with the day of each, up to the state it had at the end of a week."""
    days: dict[State, date] = {}
    for step in ledger.history(event_id):
        if step.week <= until:
            days[step.state] = step.on
    reached = [s for s in State if s in days and (s is state or list(State).index(s) < list(State).index(state))]
    return tuple(StateStep(s, days[s]) for s in reached)


def month_ends(since: Week, until: Week) -> Sequence[Week]:
    """The last week that ended in each month, from a week to another."""
    last_of = {(w.last_day.year, w.last_day.month): w for w in _weeks(since, until)}
    return list(last_of.values())


def _extent(events: Iterable[EventRecord]) -> Extent:
    """The sum; its interval adds up the ends, as if all sizes erred the same way: rather too wide than too narrow."""
    sizes = [(event.area_m2, event.area_m2_low, event.area_m2_high) for event in events]
    value, low, high = (float(sum(ends)) for ends in zip(*sizes, strict=True)) if sizes else (0.0, 0.0, 0.0)
    return Extent(value, low, high)


def _weeks(since: Week, until: Week) -> Iterable[Week]:
    day = since.first_day
    while day <= until.last_day:
        yield week_of(day)
        day += timedelta(weeks=1)
