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

    `properties` are JSON: the names of `EVENT_PROPERTIES` (`event_id` and `area_id` may be left out) and any others.
    `geometry` is GeoJSON in longitude and latitude. `transitions` are its whole life so far, oldest first, forward
    only. `alert` says whether it deserves an alert as of this week. `steps` are the days on which it began and began
    again; the ledger keeps with each the area that it added.
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
    """What recording a week changed: alerts issued by it, and earlier alerts whose state it changed; both sorted."""

    issued: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class HistoryStep:
    """One row of an event's append-only history; `week` is the week whose recording brought it."""

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
    """One row of an event's append-only story; `week` is the week whose recording brought it."""

    event_id: str
    kind: RemarkKind
    on: date
    about: str
    week: Week


@dataclass(frozen=True)
class AlertRecord:
    """An alert's own life: when it went out, and who said they had seen it."""

    alert_id: str
    event_id: str
    issued_on: date
    acknowledged_on: date | None = None
    acknowledged_by: str | None = None
