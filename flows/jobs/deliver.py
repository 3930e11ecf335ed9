"""Send the messages that are due."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.alerts.due import deliver_due
from flows.jobs.job_run import chore, ended


@flow(name="deliver")
def deliver() -> Any:
    """What is due by now has been sent, or will be tried again."""
    with chore("deliver") as one:
        outcome = deliver_due(one.services.ledger, one.services.routes)
        one.summary.update(
            waiting=outcome.waiting,
            sent=outcome.sent,
            tried_in_vain=list(outcome.failed),
            failures={f"parcel {n}": reason for n, reason in enumerate(outcome.given_up, start=1)},
        )
    return ended(one.summary["failures"])
