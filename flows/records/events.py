"""Events and alerts, their history and the remarks on it, and the properties that files give them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeAlias

from aois.week import Week
from detectors.records import State, Transition

EventFeature: TypeAlias = dict[str, Any]
"""A GeoJSON Feature (RFC 7946) with the property names of DESIGN.md, then any extra ones in alphabetical order."""


ALERT_PROPERTIES = (
    "alert_id",
    "event_id",
    "area_id",
    "kind",
    "change",
    "state",
    "first_seen",
    "confirmed_on",
    "issued_on",
    "area_m2",
    "area_m2_low",
    "area_m2_high",
    "length_m",
    "closure",
    "confidence",
    "sensors",
    "scenes",
)
"""The names that DESIGN.md fixes, in its order."""


EVENT_PROPERTIES = tuple(name for name in ALERT_PROPERTIES if name not in ("alert_id", "issued_on"))


@dataclass(frozen=True)
class EventRecord:
    """One event as of the end of a week.

    Attributes
    ----------
    area_id, event_id
        The area it lies in, and its own id.
    properties
        JSON: the names of `EVENT_PROPERTIES` (`event_id` and `area_id` may be left out) and any others.
    geometry
        GeoJSON, (longitude, latitude) in degrees.
    transitions
        Its whole life so far, oldest first, forward only.
    alert
        True where it deserves an alert as of this week.
    steps
        The days on which it began, and began again; the ledger keeps with each the area that it added.
    """

    area_id: str
    event_id: str
    properties: dict[str, Any]
    geometry: dict[str, Any]
    transitions: tuple[Transition, ...]
    alert: bool
    steps: tuple[date, ...] = ()


@dataclass(frozen=True)
class WeekOutcome:
    """What recording a week changed.

    Attributes
    ----------
    issued
        Ids of the alerts that it issued, sorted.
    changed
        Ids of earlier alerts whose state it changed, sorted.
    """

    issued: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class HistoryStep:
    """One row of an event's append-only history.

    Attributes
    ----------
    event_id
        The event.
    state
        The state that it entered.
    on
        The day of evidence on which it did, UTC.
    scene_id
        The scene that brought it there.
    week
        The week whose recording wrote the row.
    note
        Why, where the state alone does not say; may be empty.
    """

    event_id: str
    state: State
    on: date
    scene_id: str
    week: Week
    note: str = ""


class RemarkKind(StrEnum):
    """What can be said of an event beside its states, and what it is about."""

    STEP = "step"
    """It began to change again: which step it is."""
    MERGED = "merged"
    """Another event took its ground: that one's id."""
    KEPT = "kept"
    """A replay found the same ground under another name, and the id stayed: the id by that name."""
    SPLIT = "split"
    """A replay found its ground apart from an event that it was part of: that one's id."""


@dataclass(frozen=True)
class RemarkRecord:
    """One remark on an event, a row that is only ever added.

    Attributes
    ----------
    event_id
        The event.
    kind
        What is said of it.
    on
        The day it is true from, UTC.
    about
        What `kind` says it is about: the number of a step, or an event's id.
    week
        The week whose recording wrote the row.
    """

    event_id: str
    kind: RemarkKind
    on: date
    about: str
    week: Week


@dataclass(frozen=True)
class AlertRecord:
    """An alert's own life: when it went out, and who said they had seen it.

    Attributes
    ----------
    alert_id, event_id
        Its own id, and the event that it is about.
    issued_on
        The day it was issued, UTC.
    acknowledged_on, acknowledged_by
        The first acknowledgement, day (UTC) and name; None while there is none.
    """

    alert_id: str
    event_id: str
    issued_on: date
    acknowledged_on: date | None = None
    acknowledged_by: str | None = None
