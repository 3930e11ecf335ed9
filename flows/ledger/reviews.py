"""What the review desk reads and writes: cases without geometry, and verdicts with who gave and took them back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, defer

from aois.week import Week
from flows.ledger import accounts, alert_issue, verdicts
from flows.ledger.errors import LedgerError
from flows.ledger.outbox import Transaction
from flows.ledger.precision import Precision, Split, precision_of
from flows.ledger.tables import (
    AlertRow,
    AreaRow,
    EventRow,
    ObservationRow,
    ReviewRow,
    VerdictRow,
    VersionRow,
    WithdrawalRow,
)
from flows.ledger.types import canonical_json
from flows.ledger.worlds import simulated_areas
from flows.records.desk import ReviewVerdict
from flows.records.event_json import alert_of, event_of
from flows.records.events import AlertRecord, EventRecord
from flows.records.ids import AlertId, EventId
from flows.records.json_object import JsonObject
from flows.records.reviews import Judgement, VerdictRecord


@dataclass(frozen=True)
class Reviews:
    """Each method is one transaction."""

    reading: Transaction
    writing: Transaction

    def generation(self) -> tuple[int, ...]:
        """Return numbers that change with every event and alert.

        As long as they are the same, what was made from `cases` still holds.
        """
        with self.reading() as session:
            versions = session.scalar(select(func.max(VersionRow.id))) or 0
            return versions, session.scalar(select(func.count()).select_from(AlertRow)) or 0

    def cases(self, *, area_id: str | None = None) -> list[EventRecord]:
        """List every event (of an area), by id, without its ground; an `Alert` where one went out."""
        query = select(EventRow.area_id, EventRow.properties, AlertRow.id, AlertRow.issued_on)
        query = query.join(AlertRow, AlertRow.event_id == EventRow.id, isouter=True)
        with self.reading() as session:
            rows = session.execute(query if area_id is None else query.where(EventRow.area_id == area_id))
            is_simulated = simulated_areas(session)
            cases = [_case(said, is_simulated(area), alert, day) for area, said, alert, day in rows]
        return sorted(cases, key=attrgetter("event_id"))

    def area_of(self, event_id: str) -> str | None:
        """Find the area of an event; None where there is no such event."""
        with self.reading() as session:
            return session.scalar(select(EventRow.area_id).where(EventRow.id == event_id))

    def stamp(self, area_id: str) -> tuple[Week, str] | None:
        """Return the last week on record of an area, and a text that changes with what is shown of it.

        None where no week is on record.
        """
        query = select(ObservationRow.week, ObservationRow.chain, AreaRow.name, AreaRow.responses)
        query = query.join(AreaRow, AreaRow.id == ObservationRow.area_id).where(ObservationRow.area_id == area_id)
        with self.reading() as session:
            row = session.execute(query.order_by(ObservationRow.week.desc()).limit(1)).one_or_none()
            return None if row is None else (row.week, canonical_json([row.chain, row.name, row.responses]))

    def judge(self, event_id: str, judgement: Judgement, *, account: int, at: datetime) -> ReviewVerdict:
        """Record a verdict given at the desk.

        The same words again, with nothing else in between, are that same verdict.

        Raises `LedgerError` as `Ledger.judge` does.
        """
        with self.writing() as session:
            last = _judge(session, event_id, judgement, account=account, at=at)
            return _read(session, _opinions().where(VerdictRow.id == last))[0]

    def judge_all(self, event_ids: Collection[str], judgement: Judgement, *, account: int, at: datetime) -> None:
        """Record the same verdict given at the desk on several events, all or none; in all else like `judge`."""
        with self.writing() as session:
            for event_id in dict.fromkeys(event_ids):
                _judge(session, event_id, judgement, account=account, at=at)

    def acknowledge(self, alert_ids: Collection[AlertId], *, by: str, account: int, subject: str, at: datetime) -> None:
        """Record who took several alerts up at the desk, all or none; an act notes it of the `subject` they make."""
        with self.writing() as session:
            for alert_id in sorted(set(alert_ids)):
                alert_issue.acknowledge(session, alert_id, by=by, on=at.date())
            accounts.note(session, "acknowledged", by=account, subject=subject, detail=str(len(set(alert_ids))), at=at)

    def alert_records(self, alert_ids: Collection[AlertId]) -> list[AlertRecord]:
        """List when these alerts went out and who acknowledged them, by id; those that are not known are left out."""
        wanted = sorted(set(alert_ids))
        with self.reading() as session:
            rows = [session.get(AlertRow, one) for one in wanted]
            return [alert_issue.alert_record(row) for row in rows if row is not None]

    def withdraw(self, number: int, *, account: int, at: datetime) -> ReviewVerdict:
        """Take a verdict back for who gave it.

        Raises `LedgerError` for another's, and for one that is not there.
        """
        with self.writing() as session:
            found = _read(session, _opinions().where(VerdictRow.id == number))
            if not found or found[0].account != account:
                raise LedgerError(f"verdict {number} is not yours; only who gave a verdict can take it back")
            if found[0].withdrawn_at is None:
                session.add(WithdrawalRow(verdict_id=number, account_id=account, at=at))
                accounts.note(session, "undo", by=account, subject=found[0].event_id, detail=str(number), at=at)
                session.flush()
            return _read(session, _opinions().where(VerdictRow.id == number))[0]

    def opinions(
        self, event_id: str | None = None, *, after: int = 0, only_withdrawn: bool = False
    ) -> list[ReviewVerdict]:
        """List the verdicts on an event (on all if None) numbered above `after`, in order.

        Those taken back are among them; with `only_withdrawn` there are no others.
        """
        query = _opinions().where(VerdictRow.id > after)
        if only_withdrawn:
            query = query.where(WithdrawalRow.at.is_not(None))
        with self.reading() as session:
            return _read(session, query if event_id is None else query.where(VerdictRow.event_id == event_id))

    def precision(self) -> dict[Split, list[Precision]]:
        """Compute how often alerts held when a person looked, told apart in every way."""
        with self.reading() as session:
            judged = verdicts.judged(session)
        return {by: precision_of(judged, by=by) for by in Split}

    def last_said(self) -> tuple[int, int]:
        """Return the number of the last verdict, and how many were taken back.

        The two change whenever opinions do.
        """
        with self.reading() as session:
            last = session.scalar(select(func.max(VerdictRow.id))) or 0
            return last, session.scalar(select(func.count()).select_from(WithdrawalRow)) or 0


def _judge(session: Session, event_id: str, judgement: Judgement, *, account: int, at: datetime) -> int | None:
    """Put a verdict given at the desk on record, and return the number of the one that says it."""
    verdicts.write(session, VerdictRecord(EventId(event_id), judgement, at))
    session.flush()
    last = session.scalar(select(func.max(VerdictRow.id)).where(VerdictRow.event_id == event_id))
    if session.get(ReviewRow, last) is None:  # new, or said before by the command line
        session.add(ReviewRow(verdict_id=last, account_id=account))
        accounts.note(session, judgement.verdict.value, by=account, subject=event_id, at=at)
        session.flush()
    return last


def _case(said: JsonObject, is_simulated: bool, alert_id: AlertId | None, issued_on: date | None) -> EventRecord:
    event = event_of(said, None, is_simulated=is_simulated)
    return event if alert_id is None or issued_on is None else alert_of(event, alert_id, issued_on)


def _opinions() -> Select[Any]:
    state, change = (VerdictRow.seen[name].as_string() for name in ("state", "change"))
    query = select(VerdictRow, ReviewRow.account_id, WithdrawalRow.at, state.label("state"), change.label("change"))
    query = query.join(ReviewRow, ReviewRow.verdict_id == VerdictRow.id, isouter=True)
    query = query.join(WithdrawalRow, WithdrawalRow.verdict_id == VerdictRow.id, isouter=True)
    return query.options(defer(VerdictRow.seen, raiseload=True)).order_by(VerdictRow.id)


def _read(session: Session, query: Select[Any]) -> list[ReviewVerdict]:
    return [
        ReviewVerdict(
            number=row.id,
            event_id=row.event_id,
            verdict=row.verdict,
            reason=row.reason or "",
            note=row.note,
            by=row.judged_by,
            account=account,
            at=row.judged_at,
            seen_state=state,
            seen_change=change,
            withdrawn_at=withdrawn,
        )
        for row, account, withdrawn, state, change in session.execute(query)
    ]
