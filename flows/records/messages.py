"""Messages on their way: what is told, to whom, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from aois.week import Week
from detectors.records import State
from flows.records.events import Alert
from flows.records.ids import AlertId, IncidentId
from flows.records.json_object import JsonObject


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

    Attributes
    ----------
    key
        What `MessageKey` writes: another one when the same has to be told again, since a receiver acts on a key once,
        however often it comes.
    alert_id
        The alert that it tells of.
    state
        The state of the alert when the message became true.
    week
        The week whose recording brought it.
    routed_at
        When it was settled who is to hear it, UTC; None while that is open.
    news
        Why there is the message.
    """

    key: str
    alert_id: AlertId
    state: State
    week: Week
    routed_at: datetime | None = None
    news: News = News.STATE


@dataclass(frozen=True, kw_only=True)
class ToldAlert(Alert):
    """An alert as a message tells it.

    Attributes
    ----------
    last_clear_look
        Day of the last acquisition that showed enough of its area, UTC; None where there was none.
    merged_into_alert
        The alert of the event that took its ground, which is the id that people know.
    news
        Why it is told, one for each of its messages; empty where it is told again.
    messages
        The keys of its messages.
    incident_id
        The incident of its place; None where that is not told.
    alerts_before, muted_before
        How many alerts of the incident were issued in earlier weeks, and of how many of them nobody was told.
    told_before
        The day on which the last of those went out of which people were told, UTC; None where there is none.
    reference
        What it is called towards people who may not know the place; empty until it leaves.
    """

    last_clear_look: date | None = None
    merged_into_alert: AlertId | None = None
    news: tuple[News, ...] = ()
    messages: tuple[str, ...] = ()
    incident_id: IncidentId | None = None
    alerts_before: int = 0
    muted_before: int = 0
    told_before: date | None = None
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class DispatchContent:
    """All that one channel is sent as one: texts for people, alerts for programs.

    Attributes
    ----------
    key
        The key by which its receiver knows it.
    week
        The week that it is about, ``2026-W47``.
    lang
        The language of its texts.
    is_simulated
        True where it is of a simulated world.
    is_restricted
        True where it may tell where places are.
    title, text, html
        What people read: one line, plain text, and a page for mail programs.
    report
        Where its readers open the week's report, or words that say so.
    alerts
        What programs read.
    is_of_earlier_release
        True where a release put it together that told everybody the ids of scenes and where the owner's report lies.
    """

    key: str
    week: str
    lang: str
    is_simulated: bool
    is_restricted: bool
    title: str
    text: str
    html: str
    report: str
    alerts: tuple[ToldAlert, ...] = ()
    is_of_earlier_release: bool = False


class Purpose(StrEnum):
    """Why a channel hears a message."""

    ALERT = "alert"
    ESCALATION = "escalation"
    SIGNAL = "signal"
    """For programs, as a Prefect event, whatever people hear."""


@dataclass(frozen=True)
class DeliveryRecord:
    """One message that one channel is to send.

    Attributes
    ----------
    message_key
        The message.
    channel, route
        The channel that sends it, and the route that asked for it.
    made_at
        When it was routed, UTC.
    not_before
        The earliest instant to send it, UTC (quiet hours, a weekly digest).
    purpose
        Why the channel hears it.
    news
        Why there is the message; the ledger knows, so it need not be given.
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
    """What one channel is sent as one, and how the sending went.

    Attributes
    ----------
    key
        The key by which its receiver knows it, the same at every attempt.
    channel
        The channel that sends it.
    messages
        Keys of the messages in it.
    payload
        JSON of the whole content (`DispatchContent`), so that every attempt sends the same.
    made_at
        When it was put together, UTC.
    attempts
        How often it was tried.
    last_attempt_at
        UTC; None before the first attempt.
    next_attempt_at
        UTC; None before the first attempt and once it was given up.
    last_error
        What went wrong at the last attempt, None where nothing did.
    """

    key: str
    channel: str
    messages: tuple[str, ...]
    payload: JsonObject
    made_at: datetime
    attempts: int = 0
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class Unanswered:
    """A message that went out by a route while nobody has acknowledged its alert.

    Attributes
    ----------
    message_key, alert_id
        The message and its alert.
    route
        The route by which it went out.
    sent_at
        When it did, UTC.
    """

    message_key: str
    alert_id: AlertId
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
    """How many alerts that were provisional when they were issued came to what.

    Attributes
    ----------
    held
        Confirmed since.
    fell
        Retracted since.
    open
        Neither yet.
    """

    held: int = 0
    fell: int = 0
    open: int = 0
