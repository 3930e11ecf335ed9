"""The outbox of a ledger: what is on its way to people, channel by channel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.orm import Session

from aois.week import Week
from flows.ledger import alert_issue as outbox
from flows.ledger import outbox_rows as dispatches
from flows.records.messages import DeliveryRecord, DispatchRecord, LatestMessage, MessageRecord, Purpose, Unanswered

Transaction: TypeAlias = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class Outbox:
    """Each method is one transaction, and a kill between any two of them loses nothing.

    A message is routed (who hears it is settled), packed into one dispatch a channel (content and key are settled),
    sent, and marked. Whoever was killed after sending and before marking sends the same dispatch under the same key
    again.
    """

    reading: Transaction
    writing: Transaction

    def messages(self, *, since: Week | None = None) -> list[MessageRecord]:
        """List every message (of a week and later ones), in the order in which they became true."""
        with self.reading() as session:
            return outbox.all_messages(session, since)

    def unrouted(self) -> list[MessageRecord]:
        """List the messages that nobody has routed yet."""
        with self.reading() as session:
            return outbox.unrouted(session)

    def unsignalled(self) -> list[MessageRecord]:
        """List the messages that no program was promised yet."""
        with self.reading() as session:
            return outbox.unsignalled(session)

    def route(self, keys: Collection[str], deliveries: Sequence[DeliveryRecord], *, at: datetime) -> None:
        """Record that messages are routed, and what is to be delivered.

        What a channel is to hear already is not added.
        """
        with self.writing() as session:
            dispatches.route(session, keys, deliveries, at=at)

    def waiting(self) -> list[DeliveryRecord]:
        """List the deliveries that no dispatch carries yet."""
        with self.reading() as session:
            return dispatches.waiting(session)

    def pack(self, dispatch: DispatchRecord, *, purpose: Purpose = Purpose.ALERT) -> None:
        """Put the waiting deliveries of a dispatch's messages to its channel into the dispatch."""
        with self.writing() as session:
            dispatches.pack(session, dispatch, purpose=purpose)

    def unsent(self, *, dead: bool = False) -> list[DispatchRecord]:
        """List the dispatches that wait for another try, or those that were given up; oldest first."""
        with self.reading() as session:
            return dispatches.unsent(session, dead=dead)

    def mark_sent(self, key: str, *, at: datetime) -> None:
        """Record that a channel took a dispatch."""
        with self.writing() as session:
            dispatches.mark_sent(session, key, at=at)

    def mark_failed(self, key: str, *, reason: str, at: datetime, next_at: datetime | None) -> None:
        """Record an attempt that failed and when to try again (None: never).

        The reason holds no address and no secret.
        """
        with self.writing() as session:
            dispatches.mark_failed(session, key, reason=reason, at=at, next_at=next_at)

    def revive(self) -> int:
        """Take up the dispatches that were given up, and return how many."""
        with self.writing() as session:
            return dispatches.revive(session)

    def told(self, area_id: str) -> list[LatestMessage]:
        """List what each channel last heard of each alert of an area."""
        with self.reading() as session:
            return dispatches.told(session, area_id)

    def unanswered(self) -> list[Unanswered]:
        """List the messages that went out about alerts that nobody has acknowledged."""
        with self.reading() as session:
            return dispatches.unanswered(session)
