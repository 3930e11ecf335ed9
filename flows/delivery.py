"""Sending what the outbox holds, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aois.week import Week
from flows.alerts.delivery import deliver
from flows.alerts.digest import digest
from flows.ledger.ledger import Ledger
from flows.settings import Settings


@dataclass(frozen=True)
class Delivery:
    """What came of a delivery: messages waiting before it, and the reason where it failed."""

    waiting: int
    reason: str = ""


def deliver_pending(ledger: Ledger, settings: Settings, *, week: Week, report: Path, now: datetime) -> Delivery:
    """Send one digest of all that waits to every channel; what reached every channel is not sent again.

    Without a channel nothing is sent and nothing is marked: the messages wait for the day on which one is given.
    """
    waiting = ledger.pending_messages()
    if not waiting or not settings.alert_urls:
        return Delivery(len(waiting))
    concerned = {m.alert_id for m in waiting}
    features = [f for f in ledger.alerts() if f["properties"]["alert_id"] in concerned]
    message = digest(features, week, report=str(report))
    results = deliver(message, [u.get_secret_value() for u in settings.alert_urls])
    keys = [m.key for m in waiting]
    failed = [f"{r.channel}: {r.reason}" for r in results if not r.delivered]
    if failed:
        ledger.mark_failed(keys, reason="; ".join(failed), at=now)
        return Delivery(len(waiting), "; ".join(failed))
    ledger.mark_sent(keys, at=now)
    return Delivery(len(waiting))
