"""What the verdicts on a case come to: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from detectors.records import State
from flows.records.desk import ReviewVerdict
from flows.records.events import EventRecord

ENOUGH = 2  # people with accounts who confirm, before a case may be published


class ReviewStatus(StrEnum):
    """Where a case stands, those first that matter most to a reviewer."""

    DISPUTED = "disputed"
    """One person confirms and another rejects."""
    AGAIN = "again"
    """It has become something else since it was judged: another kind of change, or retracted."""
    WAITING = "waiting"
    """Nobody has judged it."""
    SECOND = "second"
    """One person confirms; for publication a second has to."""
    UNSURE = "unsure"
    """Whoever judged it could not tell."""
    PUBLISHABLE = "publishable"
    """Two people with accounts confirm and nobody rejects: confirmed for publication."""
    REJECTED = "rejected"
    """Rejected, and nobody confirms."""


OPEN = (ReviewStatus.DISPUTED, ReviewStatus.AGAIN, ReviewStatus.WAITING, ReviewStatus.SECOND, ReviewStatus.UNSURE)


def last_words(opinions: Iterable[ReviewVerdict]) -> Mapping[str, ReviewVerdict]:
    """The last verdict of each person that was not taken back."""
    return {one.person: one for one in opinions if one.withdrawn_at is None}


def review_status_of(facts: EventRecord, words: Mapping[str, ReviewVerdict]) -> ReviewStatus:
    """Where a case stands by the last words of each person."""
    if not words:
        return ReviewStatus.WAITING
    said = {one.verdict for one in words.values()}
    if {"confirmed", "rejected"} <= said:
        return ReviewStatus.DISPUTED
    if any(_is_other(facts, one) for one in words.values()):
        return ReviewStatus.AGAIN
    if "rejected" in said:
        return ReviewStatus.REJECTED
    if "confirmed" not in said:
        return ReviewStatus.UNSURE
    people = {one.account for one in words.values() if one.verdict == "confirmed" and one.account is not None}
    return ReviewStatus.PUBLISHABLE if len(people) >= ENOUGH else ReviewStatus.SECOND


def is_open_for(account: int, facts: EventRecord, standing: ReviewStatus, words: Mapping[str, ReviewVerdict]) -> bool:
    """Whether a case waits for somebody: it is open, and they have not spoken, or what they said no longer holds.

    What raised no alert waits for nobody until somebody judges it.
    """
    if standing not in OPEN or (standing is ReviewStatus.WAITING and not facts.alert_id):
        return False
    own = words.get(f"account:{account}")
    return own is None or standing in (ReviewStatus.DISPUTED, ReviewStatus.AGAIN)


def _is_other(facts: EventRecord, said: ReviewVerdict) -> bool:
    retracted = facts.state is State.RETRACTED and said.seen_state != State.RETRACTED
    return said.seen_change != facts.change or (retracted and said.verdict == "confirmed")
