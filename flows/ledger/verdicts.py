"""What reviewers say of events: added, never changed, and out of reach of any run."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from flows.ledger.errors import LedgerError
from flows.ledger.precision import Judged
from flows.ledger.tables import AlertRow, EventRow, MessageRow, VerdictRow, VersionRow, WithdrawalRow
from flows.records.reviews import Judgement, Reason, Verdict, VerdictRecord

STANDING = select(VerdictRow).where(VerdictRow.id.not_in(select(WithdrawalRow.verdict_id)))
"""Verdicts that nobody took back."""


def write(session: Session, given: VerdictRecord) -> bool:
    """Record a verdict with what the event looked like; return True if that added it.

    The same words by the same person, said again with nothing else in between, are not added twice. Raises
    `LedgerError` for an event that was never recorded and a verdict that lacks what it needs.
    """
    _check(given)
    event = session.get(EventRow, given.event_id)
    if event is None:
        raise LedgerError(f"event `{given.event_id}` is not in the ledger; take the id from events.geojson or an alert")
    last = session.scalar(_of(given.event_id).order_by(VerdictRow.id.desc()).limit(1))
    if last is not None and judgement_of(last) == given.judgement and session.get(WithdrawalRow, last.id) is None:
        return False
    words = given.judgement
    session.add(
        VerdictRow(
            event_id=event.id,
            verdict=words.verdict.value,
            reason=None if words.reason is None else words.reason.value,
            note=words.note,
            judged_by=words.by,
            judged_at=given.at,
            seen=event.properties,
        )
    )
    return True


def read(session: Session, event_id: str | None, area_id: str | None) -> list[VerdictRecord]:
    """List the verdicts that were not taken back, in the order in which they were given.

    On an event or in an area, on all if None.
    """
    query = STANDING if event_id is None else STANDING.where(VerdictRow.event_id == event_id)
    if area_id is not None:
        query = query.join(EventRow, EventRow.id == VerdictRow.event_id).where(EventRow.area_id == area_id)
    return [_record(row) for row in session.scalars(query.order_by(VerdictRow.id))]


def judged(session: Session) -> list[Judged]:
    """List every event that an alert was issued for, with the last verdict on it.

    An event that was judged counts as the reviewer saw it: its area or class may have changed since. Its confidence is
    the one that its alert stated, whatever is known since.
    """
    standing = STANDING.subquery()
    query = select(VerdictRow.event_id, *_told(VerdictRow.seen), VerdictRow.verdict)
    query = query.join(standing, standing.c.id == VerdictRow.id).order_by(VerdictRow.id)
    said: dict[str, tuple[str, str, Verdict | None]] = {
        name: (area_id, change, Verdict(verdict)) for name, area_id, change, verdict in session.execute(query)
    }
    stated = func.coalesce(_stated(), _confidence(EventRow.properties))
    present = select(EventRow.id, *_told(EventRow.properties), stated)
    judged = []
    for name, *now, confidence in session.execute(present.join(AlertRow, AlertRow.event_id == EventRow.id)):
        area_id, change, verdict = said.get(name, (*now, None))
        judged.append((name, Judged(area_id, change, confidence, verdict)))
    return [one for _, one in sorted(judged, key=itemgetter(0))]


def _stated() -> ScalarSelect[float | None]:
    """The confidence of an event in the week of its first message, as that week was first recorded."""
    said = _confidence(VersionRow.properties)
    first = select(MessageRow.week).where(MessageRow.alert_id == AlertRow.id).order_by(MessageRow.id).limit(1)
    week = first.correlate(AlertRow).scalar_subquery()
    known = (VersionRow.event_id == EventRow.id, VersionRow.week <= week, said.is_not(None))
    query = select(said).where(*known).order_by(VersionRow.week.desc(), VersionRow.id).limit(1)
    return query.correlate(EventRow, AlertRow).scalar_subquery()


def _told(properties: Any) -> tuple[Any, Any]:
    """Area and change, read by the database: it is quicker than reading all there is of an event."""
    return properties["area_id"].as_string(), properties["change"].as_string()


def _confidence(properties: Any) -> Any:
    return properties["confidence"].as_float()


def _of(event_id: str) -> Select[tuple[VerdictRow]]:
    return select(VerdictRow).where(VerdictRow.event_id == event_id)


def _check(given: VerdictRecord) -> None:
    """Raise `LedgerError` for a verdict that nobody could make use of later."""
    words, where = given.judgement, f"verdict on event `{given.event_id}`"
    if not words.by.strip():
        raise LedgerError(f"{where} needs a name; say who has judged it")
    if words.verdict is Verdict.REJECTED and words.reason is None:
        raise LedgerError(f"{where}: a rejection needs a reason; give one of {_listed(Reason)}")
    if words.verdict is not Verdict.REJECTED and words.reason is not None:
        raise LedgerError(
            f"{where}: `{words.verdict}` takes no reason; leave `{words.reason}` out or put it in the note"
        )
    if words.reason is Reason.OTHER and not words.note.strip():
        raise LedgerError(f"{where}: the reason `other` needs a note; say in a few words what it is")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def judgement_of(row: VerdictRow) -> Judgement:
    """Return the words of a row."""
    reason = None if row.reason is None else Reason(row.reason)
    return Judgement(Verdict(row.verdict), by=row.judged_by, reason=reason, note=row.note)


def _record(row: VerdictRow) -> VerdictRecord:
    return VerdictRecord(row.event_id, judgement_of(row), row.judged_at)
