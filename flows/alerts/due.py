"""Send what is due, with the report of the last week on record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flows.alerts.route_settings import MessageRoutes
from flows.alerts.sending import deliver_pending
from flows.ledger.ledger import Ledger
from flows.pipeline.period import RunRequest, last_week


def deliver_due(ledger: Ledger, ways: MessageRoutes, **given: Any) -> Any:
    """What is due of the messages on record is sent, with the report of the last week that has one."""
    weeks = [one.week for one in ledger.observations()]
    week = max(weeks, default=last_week(RunRequest(None, None, datetime.now(UTC).date())))
    return deliver_pending(ledger, ways, week=week, **({"only_due": True} | given))
