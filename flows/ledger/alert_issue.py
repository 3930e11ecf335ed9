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
from flows.ledger.event_content import Content
from flows.ledger.ids import alert_id
from flows.ledger.tables import AlertRow, DeliveryRow, EventRow, MessageRow
from flows.ledger.week_rules import Settled
from flows.records.events import AlertRecord, WeekOutcome
from flows.records.messages import MessageRecord, News, ProvisionalOutcomes, Purpose

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

    An alert is told when it is issued. Later states, steps and mergers are told only by the latest week, so that
    working through old weeks again tells people what is true now, once, and nothing about what was thought in between.
    """
    issued = {row.event_id: row.id for row in session.scalars(_of_area(select(AlertRow), area_id))}
    contents = {one.event_id: one.content for one in settled if one.content is not None}
    fresh = sorted(one.event_id for one in settled if _deserves_alert(one) and one.event_id not in issued)
    session.add_all(AlertRow(id=alert_id(name), event_id=name, issued_on=week.last_day) for name in fresh)
    session.flush()
    session.add_all(_message(alert_id(name), News.ISSUED, contents[name], week, earlier=()) for name in fresh)
    earlier = {alert: contents[event_id] for event_id, alert in sorted(issued.items()) if event_id in contents}
    if is_latest:
        _tell(session, area_id, earlier, week)
    before = {issued[event_id]: content.state for event_id, content in current.items() if event_id in issued}
    changed = sorted(alert for alert, content in earlier.items() if content.state is not before.get(alert))
    return WeekOutcome(tuple(sorted(map(alert_id, fresh))), tuple(changed))


def unrouted(session: Session) -> list[MessageRecord]:
    """List the messages that nobody has routed yet, in the order in which they became true."""
    rows = session.scalars(select(MessageRow).where(MessageRow.routed_at.is_(None)).order_by(MessageRow.id))
    return [message_record(row) for row in rows]


def unsignalled(session: Session) -> list[MessageRecord]:
    """List the messages that no program was promised yet, in the order in which they became true.

    Those of earlier releases, which noted nothing of what they told, are not among them: programs heard them otherwise.
    """
    promised = select(DeliveryRow.message_id).where(DeliveryRow.purpose == Purpose.SIGNAL.value)
    query = select(MessageRow).where(MessageRow.told.is_not(None), MessageRow.id.not_in(promised))
    return [message_record(row) for row in session.scalars(query.order_by(MessageRow.id))]


def provisional_outcomes(session: Session) -> ProvisionalOutcomes:
    """Count what became of the alerts that were provisional when people first heard of them."""
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
    return ProvisionalOutcomes(held, now.get(State.RETRACTED, 0), now.get(State.PROVISIONAL, 0))


def acknowledge(session: Session, alert: str, *, by: str, on: date) -> None:
    """Record who took an alert up; the first acknowledgement stays.

    Raises `LedgerError` for an id that was never issued, and without a name.
    """
    row = _alert(session, alert)
    if not by.strip():
        raise LedgerError(f"alert `{alert}`: an acknowledgement needs a name; say who has seen it")
    if row.acknowledged_on is None:
        row.acknowledged_on, row.acknowledged_by = on, by


def read_alert(session: Session, alert: str) -> AlertRecord:
    """Return an alert's own life; raises `LedgerError` for an id that was never issued."""
    return _alert_record(_alert(session, alert))


def read_alerts(session: Session) -> list[AlertRecord]:
    """List the lives of all alerts, by id."""
    return sorted(map(_alert_record, session.scalars(select(AlertRow))), key=lambda one: one.alert_id)


def _deserves_alert(settled: Settled) -> bool:
    """Whether people should hear of an event: not of one that was withdrawn before anybody did."""
    return settled.alert and settled.content is not None and settled.content.state is not State.RETRACTED


def _tell(session: Session, area_id: str, contents: Mapping[str, Content], week: Week) -> None:
    """Put into the outbox what differs from what people were last told of alerts issued earlier."""
    told: dict[str, list[MessageRow]] = {}
    for row in session.scalars(_of_area(select(MessageRow).join(AlertRow), area_id).order_by(MessageRow.id)):
        told.setdefault(row.alert_id, []).append(row)
    for alert, content in contents.items():
        news = _news(content, told[alert][-1])
        if news is not None:
            session.add(_message(alert, news, content, week, earlier=told[alert]))


def _news(content: Content, last: MessageRow) -> News | None:
    """Why people have to hear of an alert again, if they have to: one message then says all of it."""
    state, told = content.state, last.told or _told_by_earlier_releases(content, last)
    if state != last.state and (state in TOLD or last.state == State.RETRACTED):
        return News.STATE
    if state is State.RETRACTED:
        return None
    if content.merged_into != told["merged_into"]:
        return News.MERGED if content.merged_into else News.PARTED
    return News.STEP if len(content.steps) > told["steps"] else None


def _told(content: Content) -> dict[str, Any]:
    """What a message says of an alert beside its state."""
    return {"steps": len(content.steps), "merged_into": content.merged_into}


def _told_by_earlier_releases(content: Content, last: MessageRow) -> dict[str, Any]:
    """The same of a message that did not note it: nobody is told now what had happened by then."""
    then = last.week.last_day.isoformat()
    return {"steps": sum(step["on"] <= then for step in content.steps), "merged_into": content.merged_into}


def _message(alert: str, news: News, content: Content, week: Week, *, earlier: Collection[MessageRow]) -> MessageRow:
    """A message for the outbox; one that says again what `earlier` ones said has its count in its key."""
    names = {News.STEP: f"step-{len(content.steps)}", News.MERGED: "merged", News.PARTED: "parted"}
    name = names.get(news, content.state.value)
    key = f"{alert}:{name}"
    again = 1 + sum(row.key == key or row.key.startswith(f"{key}:") for row in earlier)
    return MessageRow(
        key=key if again == 1 else f"{key}:{again}",
        alert_id=alert,
        state=content.state.value,
        week=week,
        news=news.value,
        told=_told(content),
    )


def _of_area(query: Select[Any], area_id: str) -> Select[Any]:
    return query.join(EventRow, AlertRow.event_id == EventRow.id).where(EventRow.area_id == area_id)


def _alert(session: Session, alert: str) -> AlertRow:
    row = session.get(AlertRow, alert)
    if row is None:
        raise LedgerError(f"alert `{alert}` is not in the ledger; `sitewatch alerts list` shows the ids")
    return row


def _alert_record(row: AlertRow) -> AlertRecord:
    return AlertRecord(row.id, row.event_id, row.issued_on, row.acknowledged_on, row.acknowledged_by)


def message_record(row: MessageRow) -> MessageRecord:
    """Turn a row of the outbox into the record of it."""
    return MessageRecord(row.key, row.alert_id, State(row.state), row.week, row.routed_at, News(row.news))
