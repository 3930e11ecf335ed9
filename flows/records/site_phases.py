"""Phases of works at a place, from the record of its events alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from detectors.records import Change, State
from flows.records.events import EventRecord
from flows.records.ids import EventId
from flows.records.site_models import Phase


def phases_of(events: Sequence[EventRecord], finished: Mapping[EventId, date]) -> tuple[tuple[date, Phase], ...]:
    """Find the day on which each phase began: ground broken, structures rising, finished.

    Cleared ground and fences are preparation, buildings are construction, and all is over once every event has been
    looked at for long without further change.

    Parameters
    ----------
    events
        The events of one place; demolitions among them say nothing of works.
    finished
        The day on which an event was finished, for those that are.

    Returns
    -------
    tuple of (day, Phase) in the order of time, the day UTC; empty where nothing was built, fenced or cleared.
    """
    works = [event for event in events if event.change is not Change.DEMOLITION]
    built = [event.first_seen for event in works if event.change is Change.CONSTRUCTION]
    prepared = [event.first_seen for event in works if event.change is not Change.CONSTRUCTION]
    found: list[tuple[date, Phase]] = []
    if prepared and (not built or min(prepared) < min(built)):
        found.append((min(prepared), Phase.SITE_PREPARATION))
    if built:
        found.append((min(built), Phase.ACTIVE_CONSTRUCTION))
    if works and all(event.state is State.FINISHED and event.event_id in finished for event in works):
        found.append((max(finished[event.event_id] for event in works), Phase.POST_CONSTRUCTION))
    return tuple(found)
