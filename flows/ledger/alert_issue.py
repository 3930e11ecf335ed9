"""Alerts, and the messages that people are to get about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from aois.week import Week
from detectors.records import AlertKind, State
from flows.ledger.errors import LedgerError
from flows.ledger.ids import alert_id
from flows.ledger.references import References, read_secret
from flows.ledger.tables import AlertRow, DeliveryRow, EventRow, MessageRow, MutedMessageRow
from flows.ledger.week_rules import Settled
from flows.records.events import AlertRecord, EventRecord, EventsById, WeekOutcome
from flows.records.ids import AlertId, EventId, MessageKey, message_key
from flows.records.messages import MessageRecord, News, ProvisionalOutcomes, Purpose

TOLD = (State.CONFIRMED, State.RETRACTED)
"""Later states of an alert that people are told of."""


def issue(
    session: Session,
    area_id: str,
    week: Week,
    settled: Collection[Settled],
    *,
    current: EventsById,
    is_latest: bool,
    most_suspects: int | None = None,
) -> WeekOutcome:
    """Issue the alerts that a week brings and put what has to be told into the outbox.

    Of new suspect sites at most `most_suspects` are issued a week, those first that most resemble known sites. The
    others stay on record, and their turn comes in a week that brings fewer.

    An alert is told when it is issued. Later states, steps and mergers are told only by the latest week, so that
    working through old weeks again tells people what is true now, once, and nothing about what was thought in between.
    """
    rows = list(session.scalars(_of_area(select(AlertRow), area_id)))
    issued = {row.event_id: row.id for row in rows}
    events = {one.event_id: one.event for one in settled if one.event is not None}
    fresh = _fresh(settled, known=issued.keys())
    already = [events[row.event_id] for row in rows if row.issued_on == week.last_day and row.event_id in events]
    room = None if most_suspects is None else most_suspects - len(_suspects(already))
    waiting = _waiting([events[name] for name in fresh], room=room)
    fresh = [name for name in fresh if name not in waiting]
    session.add_all(AlertRow(id=alert_id(name), event_id=name, issued_on=week.last_day) for name in fresh)
    session.flush()
    session.add_all(_message(alert_id(name), News.ISSUED, events[name], week, earlier=()) for name in fresh)
    earlier = {alert: events[event_id] for event_id, alert in sorted(issued.items()) if event_id in events}
    if is_latest:
        _tell(session, area_id, earlier, week)
    before = {issued[event_id]: event.state for event_id, event in current.items() if event_id in issued}
    changed = sorted(alert for alert, event in earlier.items() if event.state is not before.get(alert))
    return WeekOutcome(tuple(sorted(map(alert_id, fresh))), tuple(changed), len(waiting))


def all_messages(session: Session, since: Week | None) -> list[MessageRecord]:
    """List every message (of a week and later ones), in the order in which they became true."""
    query = select(MessageRow) if since is None else select(MessageRow).where(MessageRow.week >= since)
    return [message_record(row) for row in session.scalars(query.order_by(MessageRow.id))]


def unrouted(session: Session) -> list[MessageRecord]:
    """List the messages that nobody has routed yet, in the order in which they became true."""
    rows = session.scalars(select(MessageRow).where(MessageRow.routed_at.is_(None)).order_by(MessageRow.id))
    return [message_record(row) for row in rows]


def unsignalled(session: Session) -> list[MessageRecord]:
    """List the messages that no program was promised yet, in the order in which they became true.

    Nor those of a muted incident. Those of earlier releases, which noted nothing of what they told, are not among them:
    programs heard them otherwise.
    """
    promised = select(DeliveryRow.message_id).where(DeliveryRow.purpose == Purpose.SIGNAL.value)
    muted = select(MutedMessageRow.message_id)
    query = select(MessageRow).where(
        MessageRow.told.is_not(None), MessageRow.id.not_in(promised), MessageRow.id.not_in(muted)
    )
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
    return alert_record(_alert(session, alert))


def read_alerts(session: Session) -> list[AlertRecord]:
    """List the lives of all alerts, by id."""
    return sorted(map(alert_record, session.scalars(select(AlertRow))), key=lambda one: one.alert_id)


def _fresh(settled: Collection[Settled], *, known: Collection[EventId]) -> list[EventId]:
    """The events that people should hear of for the first time, by id: none that was withdrawn before anybody did.

    Nor a piece of one that people know, or hear of now: they would be told of the same ground twice.
    """
    standing = {
        one.event_id: one.event
        for one in settled
        if one.event is not None and one.event.state is not State.RETRACTED and (one.alert or one.event_id in known)
    }
    return sorted(name for name, event in standing.items() if name not in known and event.merged_into not in standing)


def _suspects(events: Collection[EventRecord]) -> list[EventRecord]:
    return [event for event in events if event.kind is AlertKind.NEW_SUSPECT_SITE]


def _waiting(fresh: Collection[EventRecord], *, room: int | None) -> frozenset[EventId]:
    """The new suspect sites that a week has no room for: those that least resemble known sites."""
    if room is None:
        return frozenset()
    ranked = sorted(
        _suspects(fresh), key=lambda event: (-(event.suspect_score or 0.0), -event.confidence, event.event_id)
    )
    return frozenset(event.event_id for event in ranked[max(0, room) :])


@dataclass(frozen=True)
class _Told:
    """What a message says of an alert beside its state."""

    steps: int
    merged_into: EventId | None


TOLD_OF = TypeAdapter(_Told)


def _tell(session: Session, area_id: str, events: Mapping[AlertId, EventRecord], week: Week) -> None:
    """Put into the outbox what differs from what people were last told of alerts issued earlier."""
    told: dict[str, list[MessageRow]] = {}
    for row in session.scalars(_of_area(select(MessageRow).join(AlertRow), area_id).order_by(MessageRow.id)):
        told.setdefault(row.alert_id, []).append(row)
    for alert, event in events.items():
        news = _news(event, told[alert][-1])
        if news is not None:
            session.add(_message(alert, news, event, week, earlier=told[alert]))


def _news(event: EventRecord, last: MessageRow) -> News | None:
    """Why people have to hear of an alert again, if they have to: one message then says all of it."""
    told = _told_by_earlier_releases(event, last) if last.told is None else TOLD_OF.validate_python(last.told)
    if event.state != last.state and (event.state in TOLD or last.state == State.RETRACTED):
        return News.STATE
    if event.state is State.RETRACTED:
        return None
    if event.merged_into != told.merged_into:
        return News.MERGED if event.merged_into else News.PARTED
    return News.STEP if len(event.steps) > told.steps else None


def _told_by_earlier_releases(event: EventRecord, last: MessageRow) -> _Told:
    """What a message says that did not note it: nobody is told now what had happened by then."""
    return _Told(sum(step.on <= last.week.last_day for step in event.steps), event.merged_into)


def _message(
    alert: AlertId, news: News, event: EventRecord, week: Week, *, earlier: Collection[MessageRow]
) -> MessageRow:
    """A message for the outbox; one that says again what `earlier` ones said has its count in its key."""
    names = {News.STEP: f"step-{len(event.steps)}", News.MERGED: "merged", News.PARTED: "parted"}
    said = names.get(news, event.state.value)
    again = 1 + sum(message_key(row.key).said == said for row in earlier)
    return MessageRow(
        key=str(MessageKey(alert, said, again)),
        alert_id=alert,
        state=event.state.value,
        week=week,
        news=news.value,
        told={"steps": len(event.steps), "merged_into": event.merged_into},
    )


def _of_area(query: Select[Any], area_id: str) -> Select[Any]:
    return query.join(EventRow, AlertRow.event_id == EventRow.id).where(EventRow.area_id == area_id)


def _alert(session: Session, alert: str) -> AlertRow:
    row = session.get(AlertRow, alert) or _referred_to(session, alert)
    if row is None:
        raise LedgerError(f"alert `{alert}` is not in the ledger; `sitewatch alerts list` shows the ids")
    return row


def _referred_to(session: Session, reference: str) -> AlertRow | None:
    """The alert that a reference stands for, if it is one."""
    secret = read_secret(session)
    named = None if secret is None else References(secret).named(reference, session.scalars(select(AlertRow.id)))
    return None if named is None else session.get(AlertRow, named)


def alert_record(row: AlertRow) -> AlertRecord:
    """Turn a row of an alert into the record of it."""
    return AlertRecord(row.id, row.event_id, row.issued_on, row.acknowledged_on, row.acknowledged_by)


def message_record(row: MessageRow) -> MessageRecord:
    """Turn a row of the outbox into the record of it."""
    return MessageRecord(row.key, row.alert_id, State(row.state), row.week, row.routed_at, News(row.news))
