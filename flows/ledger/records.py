"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
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

SIMULATED = "simulated"
"""Of every event and alert that comes out of the ledger: whether it happened in a simulated world, true or false."""

EVENT_PROPERTIES = tuple(name for name in ALERT_PROPERTIES if name not in ("alert_id", "issued_on"))


@dataclass(frozen=True)
class SceneRecord:
    """One scene of an area and what became of it.

    `status` is ``used``, ``refused`` (the note says why) or ``unseen`` (too little clear ground). `clear_share` is 0 to
    1; `shift_px` is how far registration moved it, None when it was not registered.
    """

    scene_id: str
    sensor: str
    acquired: datetime
    sha256: str
    source: str
    clear_share: float
    shift_px: float | None
    status: str
    note: str = ""


@dataclass(frozen=True)
class ObservationRecord:
    """How well an area was seen in a week, whether or not anything changed.

    `seen_share` is the share of ground seen clearly, 0 to 1. `chain` is the digest of everything the week was computed
    from; another digest for the same week means that it has to be worked through again.
    """

    area_id: str
    week: Week
    scenes: tuple[str, ...]
    sensors: tuple[str, ...]
    seen_share: float
    last_clear_look: date | None
    chain: str
    note: str = ""


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


class News(StrEnum):
    """Why people are told of an alert."""

    ISSUED = "issued"
    """It is new."""
    STATE = "state"
    """It is in another state."""
    STEP = "step"
    """It grew by a step."""
    MERGED = "merged"
    """It is part of another event now."""
    PARTED = "parted"
    """It is an event by itself again, although people were told that it was part of another."""


@dataclass(frozen=True)
class MessageRecord:
    """One message in the outbox.

    `key` is ``<alert_id>:<state>``, ``<alert_id>:step-<number>``, ``<alert_id>:merged`` or ``:parted``, with ``:2`` and
    so on when the same has to be told again: a receiver acts on a key once, however often it comes. `state` is that of
    the alert when the message became true.
    """

    key: str
    alert_id: str
    state: State
    week: Week
    routed_at: datetime | None = None
    news: News = News.STATE


class Purpose(StrEnum):
    """Why a channel hears a message."""

    ALERT = "alert"
    ESCALATION = "escalation"
    SIGNAL = "signal"
    """For programs, as a Prefect event, whatever people hear."""


@dataclass(frozen=True)
class DeliveryRecord:
    """One message to one channel, not to be sent before an instant (quiet hours, a weekly digest).

    `news` says why there is the message; the ledger knows, so it need not be given.
    """

    message_key: str
    channel: str
    route: str
    made_at: datetime
    not_before: datetime
    purpose: Purpose = Purpose.ALERT
    news: News = News.STATE


@dataclass(frozen=True)
class DispatchRecord:
    """What one channel is sent as one, with the key by which its receiver knows it.

    `payload` is JSON and holds the whole content, so that every attempt sends the same. `next_attempt_at` is None
    before the first attempt and once it was given up.
    """

    key: str
    channel: str
    messages: tuple[str, ...]
    payload: Mapping[str, Any]
    made_at: datetime
    attempts: int = 0
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class Unanswered:
    """A message that went out by a route while nobody has acknowledged its alert."""

    message_key: str
    alert_id: str
    route: str
    sent_at: datetime


@dataclass(frozen=True)
class Told:
    """What a channel last heard of an alert, and by which route."""

    message_key: str
    channel: str
    route: str


@dataclass(frozen=True)
class ProvisionalFates:
    """What became of the alerts that were provisional when they were issued."""

    held: int = 0
    fell: int = 0
    open: int = 0


class Verdict(StrEnum):
    """What a reviewer says of an event."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNSURE = "unsure"


class Reason(StrEnum):
    """Why a reviewer rejects an event; few enough to choose from at a glance, and to count."""

    CLOUD = "cloud"
    """Cloud, haze, shadow or snow."""
    SEASON = "season"
    """Crops, vegetation or drought in the course of a year."""
    WATER = "water"
    """Flood, tide or ice."""
    MISPLACED = "misplaced"
    """Images that do not lie upon each other."""
    OTHER_CHANGE = "other-change"
    """A real change, of another kind than was said."""
    OLD = "old"
    """It was there before."""
    OTHER = "other"
    """Anything else: the note says what."""


@dataclass(frozen=True)
class Judgement:
    """A reviewer's words on an event. A rejection has a reason, any other verdict has none."""

    verdict: Verdict
    by: str
    reason: Reason | None = None
    note: str = ""


@dataclass(frozen=True)
class VerdictRecord:
    """A judgement on an event, and the instant at which it was given."""

    event_id: str
    judgement: Judgement
    at: datetime


@dataclass(frozen=True)
class RunRecord:
    """One run of the watch. `settings` are JSON without secrets; the last three are filled in when it finishes."""

    run_id: str
    started_at: datetime
    version: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    summary: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
