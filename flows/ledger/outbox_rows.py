"""Who is to hear what, by channel; what was sent as one; and how each channel took it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from flows.ledger.alert_issue import message_record
from flows.ledger.errors import LedgerError
from flows.ledger.tables import AlertRow, DeliveryRow, DispatchRow, EventRow, MessageRow
from flows.records.messages import (
    DeliveryRecord,
    DispatchRecord,
    LatestMessage,
    MessageRecord,
    News,
    Purpose,
    Unanswered,
)


def route(session: Session, keys: Collection[str], deliveries: Sequence[DeliveryRecord], *, at: datetime) -> None:
    """Record that messages are routed, for good.

    Who hears of them is settled with the routes of that moment. What a channel is to hear already is not added.
    """
    rows = _messages(session, {*keys, *(one.message_key for one in deliveries)})
    for key in keys:
        rows[key].routed_at = rows[key].routed_at or at
    held = _held(session, [row.id for row in rows.values()])
    for one in deliveries:
        place = (rows[one.message_key].id, one.channel, one.purpose.value)
        if place not in held:
            held.add(place)
            session.add(_delivery_row(one, place[0]))


def waiting(session: Session) -> list[DeliveryRecord]:
    """List the deliveries that no dispatch carries yet, in the order in which their messages became true."""
    query = select(DeliveryRow, MessageRow).join(MessageRow).where(DeliveryRow.dispatch_id.is_(None))
    rows = session.execute(query.order_by(DeliveryRow.message_id, DeliveryRow.id))
    return [_delivery(row, message) for row, message in rows]


def pack(session: Session, given: DispatchRecord, *, purpose: Purpose) -> None:
    """Record a dispatch that carries its messages to its channel; the same key again changes nothing."""
    if session.scalar(_keyed(given.key)) is not None:
        return
    row = DispatchRow(
        key=given.key, channel=given.channel, payload=dict(given.payload), made_at=given.made_at, attempts=0
    )
    session.add(row)
    session.flush()
    ids = [message.id for message in _messages(session, given.messages).values()]
    for delivery in _deliveries(session, ids):
        if (delivery.channel, delivery.purpose, delivery.dispatch_id) == (given.channel, purpose.value, None):
            delivery.dispatch_id = row.id


def unsent(session: Session, *, dead: bool) -> list[DispatchRecord]:
    """List the dispatches that wait for another try, or (`dead`) those that were given up; oldest first."""
    is_dead = DispatchRow.dead_at.is_not(None) if dead else DispatchRow.dead_at.is_(None)
    query = select(DispatchRow).where(DispatchRow.sent_at.is_(None), is_dead).order_by(DispatchRow.id)
    return [_record(session, row) for row in session.scalars(query)]


def mark_sent(session: Session, key: str, *, at: datetime) -> None:
    """Record that the channel took a dispatch; the first time stays."""
    row = _named(session, key)
    if row.sent_at is None:
        row.attempts += 1
        row.sent_at = row.last_attempt_at = at
        row.last_error = row.next_attempt_at = row.dead_at = None


def mark_failed(session: Session, key: str, *, reason: str, at: datetime, next_at: datetime | None) -> None:
    """Record an attempt that failed: to be tried again at `next_at`, or given up (None).

    What was sent stays sent.
    """
    row = _named(session, key)
    if row.sent_at is None:
        row.attempts += 1
        row.last_attempt_at, row.last_error, row.next_attempt_at = at, reason, next_at
        row.dead_at = at if next_at is None else None


def revive(session: Session) -> int:
    """Take up the dispatches that were given up, from the first attempt on, and return how many."""
    rows = list(session.scalars(select(DispatchRow).where(DispatchRow.dead_at.is_not(None))))
    for row in rows:
        row.dead_at, row.attempts, row.next_attempt_at = None, 0, None
    return len(rows)


def pending(session: Session) -> list[MessageRecord]:
    """List the messages that somebody is still to hear, in the order in which they became true.

    What was given up is not pending, nor what only programs are to hear.
    """
    to_people = DeliveryRow.purpose != Purpose.SIGNAL.value
    held = _open_deliveries().where(DeliveryRow.message_id == MessageRow.id, to_people)
    open_ones = exists(held.correlate(MessageRow))
    query = select(MessageRow).where(or_(MessageRow.routed_at.is_(None), open_ones))
    return [message_record(row) for row in session.scalars(query.order_by(MessageRow.id))]


def unanswered(session: Session) -> list[Unanswered]:
    """List the messages that a channel took, about alerts that nobody has acknowledged.

    They are in the order in which they went out.
    """
    query = (
        select(MessageRow.key, AlertRow.id, DeliveryRow.route, DispatchRow.sent_at)
        .select_from(DeliveryRow)
        .join(MessageRow, DeliveryRow.message_id == MessageRow.id)
        .join(AlertRow, MessageRow.alert_id == AlertRow.id)
        .join(DispatchRow, DeliveryRow.dispatch_id == DispatchRow.id)
        .where(DeliveryRow.purpose == Purpose.ALERT.value, DispatchRow.sent_at.is_not(None))
        .where(AlertRow.acknowledged_on.is_(None))
        .order_by(DispatchRow.id, DeliveryRow.id)
    )
    return [Unanswered(*row) for row in session.execute(query)]


def told(session: Session, area_id: str) -> list[LatestMessage]:
    """List what each channel last heard of each alert of an area, in the order in which it was told."""
    query = (
        select(AlertRow.id, MessageRow.key, DeliveryRow.channel, DeliveryRow.route)
        .select_from(DeliveryRow)
        .join(MessageRow, DeliveryRow.message_id == MessageRow.id)
        .join(AlertRow, MessageRow.alert_id == AlertRow.id)
        .join(EventRow, AlertRow.event_id == EventRow.id)
        .join(DispatchRow, DeliveryRow.dispatch_id == DispatchRow.id)
        .where(EventRow.area_id == area_id, DispatchRow.sent_at.is_not(None))
        .order_by(MessageRow.id, DeliveryRow.id)
    )
    last = {
        (alert, channel): LatestMessage(key, channel, route) for alert, key, channel, route in session.execute(query)
    }
    return list(last.values())


def _open_deliveries() -> Select[Any]:
    unfinished = DispatchRow.sent_at.is_(None) & DispatchRow.dead_at.is_(None)
    return select(DeliveryRow.id).outerjoin(DispatchRow, DeliveryRow.dispatch_id == DispatchRow.id).where(unfinished)


def _messages(session: Session, keys: Collection[str]) -> dict[str, MessageRow]:
    """The messages of these keys; raises `LedgerError` for those that there are not."""
    wanted = sorted(set(keys))
    rows: dict[str, MessageRow] = {}
    for start in range(0, len(wanted), 500):  # SQLite takes a limited number of values at once
        chunk = wanted[start : start + 500]
        rows |= {row.key: row for row in session.scalars(select(MessageRow).where(MessageRow.key.in_(chunk)))}
    unknown = [key for key in wanted if key not in rows]
    if unknown:
        raise LedgerError(f"messages {', '.join(unknown)} are not in the outbox; pass keys that pending_messages gave")
    return rows


def _deliveries(session: Session, message_ids: Sequence[int]) -> list[DeliveryRow]:
    found: list[DeliveryRow] = []
    for start in range(0, len(message_ids), 500):
        chunk = message_ids[start : start + 500]
        found += session.scalars(select(DeliveryRow).where(DeliveryRow.message_id.in_(chunk)))
    return found


def _held(session: Session, message_ids: Sequence[int]) -> set[tuple[int, str, str]]:
    return {(row.message_id, row.channel, row.purpose) for row in _deliveries(session, message_ids)}


def _keyed(key: str) -> Select[tuple[DispatchRow]]:
    return select(DispatchRow).where(DispatchRow.key == key)


def _named(session: Session, key: str) -> DispatchRow:
    row = session.scalar(_keyed(key))
    if row is None:
        raise LedgerError(f"dispatch `{key}` is not in the outbox; pass a key that `unsent` gave")
    return row


def _delivery_row(one: DeliveryRecord, message_id: int) -> DeliveryRow:
    return DeliveryRow(
        message_id=message_id,
        channel=one.channel,
        purpose=one.purpose.value,
        route=one.route,
        made_at=one.made_at,
        not_before=one.not_before,
    )


def _delivery(row: DeliveryRow, message: MessageRow) -> DeliveryRecord:
    why, news = Purpose(row.purpose), News(message.news)
    return DeliveryRecord(message.key, row.channel, row.route, row.made_at, row.not_before, why, news)


def _record(session: Session, row: DispatchRow) -> DispatchRecord:
    query = select(MessageRow.key).join(DeliveryRow).where(DeliveryRow.dispatch_id == row.id)
    return DispatchRecord(
        key=row.key,
        channel=row.channel,
        messages=tuple(session.scalars(query.order_by(MessageRow.id))),
        payload=row.payload,
        made_at=row.made_at,
        attempts=row.attempts,
        last_attempt_at=row.last_attempt_at,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
    )
