"""Who muted which incident until when, and the messages that were not sent because of it. Rows are only added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flows.ledger import accounts
from flows.ledger.errors import LedgerError
from flows.ledger.outbox import Transaction
from flows.ledger.tables import AlertRow, MessageRow, MutedMessageRow, MuteRow
from flows.records.ids import AlertId
from flows.records.incidents import LONGEST_MUTE, MutedMessage, MuteRecord, incident_id_of
from flows.records.messages import News


@dataclass(frozen=True)
class Mutes:
    """Each method is one transaction."""

    reading: Transaction
    writing: Transaction

    def mute(
        self, alert_id: AlertId, *, until: date, by: str, why: str, at: datetime, account: int | None = None
    ) -> None:
        """Record that messages of the incident of an alert are not sent until the end of a day; noted in the audit log.

        Raises `LedgerError` without a name and a reason, and for a day that is past or too far away.
        """
        where = f"incident `{incident_id_of(alert_id)}`"
        last = at.date() + LONGEST_MUTE
        if until < at.date():
            raise LedgerError(f"{where}: {until} is past; give a day from today to {last}")
        if until > last:
            weeks = LONGEST_MUTE.days // 7
            raise LedgerError(
                f"{where}: a mute lasts {weeks} weeks at most; give a day up to {last}, then decide again"
            )
        with self.writing() as session:
            _add(session, MuteRecord(0, alert_id, until, by, why, at, account), act="muted")

    def end(self, alert_id: AlertId, *, by: str, why: str, at: datetime, account: int | None = None) -> None:
        """Record that messages of the incident of an alert are sent again; what was muted is not sent."""
        with self.writing() as session:
            _add(session, MuteRecord(0, alert_id, None, by, why, at, account), act="unmuted")

    def all(self) -> list[MuteRecord]:
        """List every mute and every end of one, in the order in which they were decided."""
        with self.reading() as session:
            rows = session.scalars(select(MuteRow).order_by(MuteRow.id))
            return [
                MuteRecord(row.id, row.alert_id, row.until, row.said_by, row.why, row.at, row.account_id)
                for row in rows
            ]

    def last(self) -> int:
        """Return the number of the last decision, which is another one as soon as there is a new one."""
        with self.reading() as session:
            return session.scalar(select(func.max(MuteRow.id))) or 0

    def messages(self) -> list[MutedMessage]:
        """List the messages that no channel was sent because of a mute, in order."""
        query = select(MessageRow, MutedMessageRow.mute_id)
        query = query.join(MutedMessageRow, MutedMessageRow.message_id == MessageRow.id).order_by(MessageRow.id)
        with self.reading() as session:
            return [
                MutedMessage(row.key, row.alert_id, row.week, mute, row.news == News.ISSUED)
                for row, mute in session.execute(query)
            ]

    def settle(self, muted: Mapping[str, int], *, at: datetime) -> None:
        """Record that messages are sent in no channel, each because of a mute (its number); the first time stays."""
        with self.writing() as session:
            for key in sorted(muted):
                row = session.scalar(select(MessageRow).where(MessageRow.key == key))
                if row is None:
                    raise LedgerError(f"message `{key}` is not in the outbox; pass keys that `unrouted` gave")
                if session.get(MutedMessageRow, row.id) is None:
                    session.add(MutedMessageRow(message_id=row.id, mute_id=muted[key], at=at))
                    row.routed_at = row.routed_at or at


def _add(session: Session, said: MuteRecord, *, act: str) -> None:
    incident = incident_id_of(said.alert_id)
    if session.get(AlertRow, said.alert_id) is None:
        raise LedgerError(
            f"incident `{incident}` is not in the ledger; `sitewatch alerts incidents list` shows the ids"
        )
    by, why = said.by.strip(), said.why.strip()
    if not by or not why:
        raise LedgerError(f"incident `{incident}`: a mute needs a name and a reason; say who decides it, and why")
    session.add(
        MuteRow(alert_id=said.alert_id, until=said.until, said_by=by, why=why, at=said.at, account_id=said.account)
    )
    until = f"until {said.until}: " if said.until else ""
    detail = f"{until}{why}" if said.account is not None else f"by {by} (command line), {until}{why}"
    accounts.note(session, act, by=said.account, subject=incident, detail=detail, at=said.at)
