"""Events and alerts, their history and the remarks on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from shapely.geometry.base import BaseGeometry

from aois.week import Week
from detectors.records import AlertKind, Change, Criterion, State, Transition
from flows.records.ids import AlertId, AreaId, EventId, SceneId


@dataclass(frozen=True)
class GrowthStep:
    """A time at which an event began, or began again.

    Attributes
    ----------
    on
        The day, UTC.
    added_m2
        The ground that it added, m²; None where nobody measured.
    """

    on: date
    added_m2: float | None = None


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """One event as of the end of a week: the same record from the detector to the message, the report and the files.

    Attributes
    ----------
    event_id, area_id
        Its own id, and the area that it lies in.
    kind, change, state
        Where it lies, what happened, and how far it has come.
    first_seen, confirmed_on
        Days of evidence, UTC; `confirmed_on` is None as long as it is not confirmed.
    area_m2, area_m2_low, area_m2_high
        Its size and the interval of it, m².
    length_m, closure
        Of a fence: its length in metres, and the share of a ring that it covers, 0 to 1; None for anything else.
    confidence
        0 to 1.
    sensors, scenes
        What saw it, and the scenes that are its evidence; empty where they are not to be told.
    geometry
        Its ground, (longitude, latitude) in degrees; None where that was not read or is not to be told.
    criteria, suspect_score
        Of a new place: why it resembles known ones, and how much it does by that, 0 to 1.
    steps
        When it began and began again, oldest first.
    merged_into
        The event that took its ground.
    reopens
        The id that it had before it was retracted and found again.
    detected_as
        The id that its detectors give it now, where that is not its own.
    split_from
        The event that it was part of before a replay found it apart.
    withdrawn
        Why the ledger retracted it, when its detectors no longer named it; empty for any other event.
    is_unfamiliar
        True where it rests on ground or scenes unlike any that the detector was fitted on, so that it waits for a
        fourth date.
    is_simulated
        True where it happened in a simulated world.
    alert_id, issued_on
        Its alert and the day on which that went out, UTC; None for an event that raised none. `Alert` always has both.
    """

    event_id: EventId
    area_id: AreaId
    kind: AlertKind
    change: Change
    state: State
    first_seen: date
    confirmed_on: date | None = None
    area_m2: float
    area_m2_low: float
    area_m2_high: float
    length_m: float | None = None
    closure: float | None = None
    confidence: float
    sensors: tuple[str, ...] = ()
    scenes: tuple[SceneId, ...] = ()
    geometry: BaseGeometry | None = None
    criteria: tuple[Criterion, ...] = ()
    suspect_score: float | None = None
    steps: tuple[GrowthStep, ...] = ()
    merged_into: EventId | None = None
    reopens: EventId | None = None
    detected_as: EventId | None = None
    split_from: EventId | None = None
    withdrawn: str = ""
    is_unfamiliar: bool = False
    is_simulated: bool = False
    alert_id: AlertId | None = None
    issued_on: date | None = None

    @property
    def is_alerted(self) -> bool:
        """Tell whether the event went out as an alert."""
        return self.alert_id is not None

    @property
    def ground(self) -> BaseGeometry:
        """Return the geometry of a record that has one; raises `ValueError` for one that was given without."""
        if self.geometry is None:
            raise ValueError(f"event `{self.event_id}` is without its ground here; read it from the ledger with it")
        return self.geometry

    @property
    def order(self) -> tuple[str, date, str]:
        """Return what lists are sorted by: area, first date seen, id."""
        return self.area_id, self.first_seen, self.alert_id or self.event_id


@dataclass(frozen=True, kw_only=True)
class Alert(EventRecord):
    """An event that people were told of.

    Attributes
    ----------
    alert_id
        The id of its alert.
    issued_on
        The last day of the week in which it went out, UTC.
    """

    alert_id: AlertId = field()
    issued_on: date = field()


EventsById: TypeAlias = Mapping[EventId, EventRecord]
"""Events as of the end of a week, by their ids."""


@dataclass(frozen=True)
class DetectedEvent:
    """One event as the detectors know it at the end of a week.

    Attributes
    ----------
    event
        What they say of it, under the id that they give it; the ledger measures what each of its steps added.
    transitions
        Its whole life so far, oldest first, forward only.
    alert
        True where it deserves an alert as of this week.
    """

    event: EventRecord
    transitions: tuple[Transition, ...]
    alert: bool


@dataclass(frozen=True)
class WeekOutcome:
    """What recording a week changed.

    Attributes
    ----------
    issued
        Ids of the alerts that it issued, sorted.
    changed
        Ids of earlier alerts whose state it changed, sorted.
    waiting
        How many new suspect sites wait for a week that brings fewer.
    """

    issued: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    waiting: int = 0


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

    event_id: EventId
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

    event_id: EventId
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

    alert_id: AlertId
    event_id: EventId
    issued_on: date
    acknowledged_on: date | None = None
    acknowledged_by: str | None = None
