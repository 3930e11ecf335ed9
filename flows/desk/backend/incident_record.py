"""The incidents of the ledger as the desk is given them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from flows.desk.backend.ledger_adapter import judgement_of
from flows.desk.errors import DeskError
from flows.evidence.geojson_files import alerts_content
from flows.ledger.errors import LedgerError, LedgerUnavailableError
from flows.ledger.ledger import Ledger
from flows.records.desk import Account
from flows.records.events import AlertRecord
from flows.records.ids import AlertId
from flows.records.incidents import Incident, IncidentRule, Incidents, incidents_of


@dataclass
class DeskIncidents:
    """Incidents, made again only when there are other alerts."""

    ledger: Ledger
    rule: IncidentRule
    _known: tuple[object, tuple[Incident, ...]] = ((), ())

    def all(self) -> Incidents:
        """Every incident, with what people decided about it."""
        stand = self.ledger.reviews.generation()
        if self._known[0] != stand:
            self._known = (stand, incidents_of(self.ledger.alerts(), self.rule))
        return Incidents(self._known[1], tuple(self.ledger.mutes.all()), tuple(self.ledger.mutes.messages()))

    def records(self, alert_ids: Collection[AlertId]) -> Mapping[AlertId, AlertRecord]:
        """Who acknowledged each alert."""
        return {one.alert_id: one for one in self.ledger.reviews.alert_records(alert_ids)}

    def geojson(self, incident: Incident) -> bytes:
        """The alerts with their outlines."""
        return alerts_content(incident.alerts)

    def acknowledge(self, incident: Incident, *, account: Account, at: datetime) -> None:
        """All its alerts are acknowledged, and the audit log says by whom."""
        self.ledger.reviews.acknowledge(
            incident.alert_ids, by=account.name, account=account.number, subject=incident.incident_id, at=at
        )

    def judge(
        self, incident: Incident, *, verdict: str, reason: str, note: str, account: Account, at: datetime
    ) -> None:
        """The verdict is on record for each of its alerts, or for none; raises `DeskError` when it lacks something."""
        words = judgement_of(verdict, reason, note, by=account.name)
        with _explained("case.needs_note" if reason == "other" and not note else "complaint.no_verdict"):
            self.ledger.reviews.judge_all(incident.event_ids, words, account=account.number, at=at)

    def mute(self, incident: Incident, *, until: date, why: str, account: Account, at: datetime) -> None:
        """No message of it is sent until the end of a day; raises `DeskError` for a day or reason that cannot be."""
        with _explained("incident.no_reason" if not why else "incident.no_day"):
            self.ledger.mutes.mute(
                incident.alerts[0].alert_id, until=until, by=account.name, why=why, at=at, account=account.number
            )

    def end_mute(self, incident: Incident, *, why: str, account: Account, at: datetime) -> None:
        """What comes from now on is sent; raises `DeskError` without a reason."""
        with _explained("incident.no_reason"):
            self.ledger.mutes.end(incident.alerts[0].alert_id, by=account.name, why=why, at=at, account=account.number)


@contextmanager
def _explained(key: str) -> Iterator[None]:
    try:
        yield
    except LedgerUnavailableError:
        raise
    except LedgerError as error:
        raise DeskError(str(error), key=key) from None
