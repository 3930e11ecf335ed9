"""Verdicts of reviewers, with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.records.ids import EventId


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
    """A reviewer's words on an event.

    Attributes
    ----------
    verdict
        What they say of it.
    by
        Their name.
    reason
        Why they reject it; None for any other verdict.
    note
        Their own words; may be empty.
    """

    verdict: Verdict
    by: str
    reason: Reason | None = None
    note: str = ""


@dataclass(frozen=True)
class VerdictRecord:
    """A judgement on an event.

    Attributes
    ----------
    event_id
        The event.
    judgement
        What was said.
    at
        When, UTC.
    """

    event_id: EventId
    judgement: Judgement
    at: datetime
