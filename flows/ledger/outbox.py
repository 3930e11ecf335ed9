"""Alerts, and the messages that people are to get about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from aois.week import Week
from detectors.records import State
from flows.ledger.errors import LedgerError
from flows.ledger.ids import alert_id
from flows.ledger.records import AlertRecord, MessageRecord, ProvisionalFates, WeekOutcome
from flows.ledger.succession import Content, Settled
from flows.ledger.tables import AlertRow, EventRow, MessageRow

TOLD = (State.CONFIRMED, State.RETRACTED)
"""Later states of an alert that people are told of."""


def issue(
    session: Session,
    area_id: str,
    week: Week,
    settled: Collection[Settled],
    *,
    current: Mapping[str, Content],
    is_latest: bool,
) -> WeekOutcome:
    """Issue the alerts that a week brings and put what has to be told into the outbox.

    An alert is told when it is issued. Later states are told only by the latest week, so that working through old weeks
    again tells people what is true now, once, and nothing about what was thought in between.
    """
    issued = {row.event_id: row.id for row in session.scalars(_of_area(select(AlertRow), area_id))}
    states = {one.event_id: one.content.state for one in settled if one.content is not None}
    fresh = sorted(one.event_id for one in settled if _deserves_alert(one) and one.event_id not in issued)
    session.add_all(AlertRow(id=alert_id(name), event_id=name, issued_on=week.last_day) for name in fresh)
    session.flush()
    session.add_all(_message(alert_id(name), states[name], week, told=0) for name in fresh)
    earlier = {alert: states[event_id] for event_id, alert in sorted(issued.items()) if event_id in states}
    if is_latest:
        _tell(session, area_id, earlier, week)
    before = {issued[event_id]: content.state for event_id, content in current.items() if event_id in issued}
    changed = sorted(alert for alert, state in earlier.items() if state is not before.get(alert))
    return WeekOutcome(tuple(sorted(map(alert_id, fresh))), tuple(changed))


def unrouted(session: Session) -> list[MessageRecord]:
    """Messages of which nobody has settled yet who is to hear them, in the order in which they became true."""
    rows = session.scalars(select(MessageRow).where(MessageRow.routed_at.is_(None)).order_by(MessageRow.id))
    return [message_record(row) for row in rows]


def provisional_fates(session: Session) -> ProvisionalFates:
    """What became of the alerts that were provisional when people first heard of them."""
    first = select(MessageRow.alert_id, func.min(MessageRow.id).label("id")).group_by(MessageRow.alert_id).subquery()
    query = (
        select(EventRow.state, func.count())
        .select_from(first)
        .join(MessageRow, MessageRow.id == first.c.id)
        .join(AlertRow, AlertRow.id == MessageRow.alert_id)
        .join(EventRow, EventRow.id == AlertRow.event_id)
        .where(MessageRow.state == State.PROVISIONAL.value)
        .group_by(EventRow.state)
    )
    now = {State(state): number for state, number in session.execute(query)}
    held = now.get(State.CONFIRMED, 0) + now.get(State.FINISHED, 0)
    return ProvisionalFates(held, now.get(State.RETRACTED, 0), now.get(State.PROVISIONAL, 0))


def acknowledge(session: Session, alert: str, *, by: str, on: date) -> None:
    """Note who took an alert up; the first acknowledgement stays."""
    row = _alert(session, alert)
    if not by.strip():
        raise LedgerError(f"alert `{alert}`: an acknowledgement needs a name; say who has seen it")
    if row.acknowledged_on is None:
        row.acknowledged_on, row.acknowledged_by = on, by


def read_alert(session: Session, alert: str) -> AlertRecord:
    """An alert's own life; raises `LedgerError` for an id that was never issued."""
    row = _alert(session, alert)
    return AlertRecord(row.id, row.event_id, row.issued_on, row.acknowledged_on, row.acknowledged_by)


def _deserves_alert(settled: Settled) -> bool:
    """Whether people should hear of an event: not of one that was withdrawn before anybody did."""
    return settled.alert and settled.content is not None and settled.content.state is not State.RETRACTED


def _tell(session: Session, area_id: str, states: Mapping[str, State], week: Week) -> None:
    """Put into the outbox what differs from what people were last told of alerts issued earlier."""
    told: dict[str, list[str]] = {}
    for row in session.scalars(_of_area(select(MessageRow).join(AlertRow), area_id).order_by(MessageRow.id)):
        told.setdefault(row.alert_id, []).append(row.state)
    for alert, state in states.items():
        last = told[alert][-1]
        if state != last and (state in TOLD or last == State.RETRACTED):
            session.add(_message(alert, state, week, told=told[alert].count(state)))


def _message(alert: str, state: State, week: Week, *, told: int) -> MessageRow:
    """A message for the outbox; one that says again what was said `told` times before has its count in its key."""
    key = f"{alert}:{state}" if not told else f"{alert}:{state}:{told + 1}"
    return MessageRow(key=key, alert_id=alert, state=state.value, week=week)


def _of_area(query: Select[Any], area_id: str) -> Select[Any]:
    return query.join(EventRow, AlertRow.event_id == EventRow.id).where(EventRow.area_id == area_id)


def _alert(session: Session, alert: str) -> AlertRow:
    row = session.get(AlertRow, alert)
    if row is None:
        raise LedgerError(f"alert `{alert}` is not in the ledger; `sitewatch alerts list` shows the ids")
    return row


def message_record(row: MessageRow) -> MessageRecord:
    """A row of the outbox as the record of it."""
    return MessageRecord(row.key, row.alert_id, State(row.state), row.week, row.routed_at)
