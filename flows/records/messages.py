"""Messages on their way: what is told, to whom, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aois.week import Week
from detectors.records import State


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
class LatestMessage:
    """What a channel last heard of an alert, and by which route."""

    message_key: str
    channel: str
    route: str


@dataclass(frozen=True)
class ProvisionalOutcomes:
    """What became of the alerts that were provisional when they were issued."""

    held: int = 0
    fell: int = 0
    open: int = 0
