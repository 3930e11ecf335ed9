"""Names for life: the same inputs give the same ids on every machine and in every replay."""

from __future__ import annotations

from hashlib import sha256

from flows.records.ids import AlertId, EventId

DIGITS = 12  # 48 bits: among 10,000 events the chance of any collision is about 2 in 10 million


def event_id(area_id: str, key: str) -> EventId:
    """Return the id of the event that detectors call `key` within an area."""
    return EventId(f"ev-{_digest(area_id, key)}")


def alert_id(event_id: str) -> AlertId:
    """Return the id of the one alert that an event can have."""
    return AlertId(f"al-{_digest(event_id)}")


def occurrence_id(area_id: str, event_id: EventId, number: int) -> EventId:
    """Return the id under which an event lives the `number`-th time, counted from 1.

    It lives again when it was retracted and came back.
    """
    return event_id if number == 1 else EventId(f"ev-{_digest(area_id, event_id, str(number))}")


def double_id(area_id: str, event_id: str, number: int) -> EventId:
    """Return the `number`-th id to try for an event whose own is in use.

    In use by an event that a replay found on another's ground.
    """
    return EventId(f"ev-{_digest(area_id, event_id, 'double', str(number))}")


def _digest(*parts: str) -> str:
    """Hash parts that cannot run into one another, since no id or key holds a NUL."""
    return sha256("\0".join(parts).encode()).hexdigest()[:DIGITS]
