"""Answers by link: the page of the alerts room, over the ledger."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import FastAPI

from flows.alerts.answering import answer_app
from flows.alerts.errors import AlertsError
from flows.alerts.routes import Routes
from flows.alerts.sending import utc_now
from flows.alerts.signing import Acknowledgement
from flows.config.settings import SettingsError
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger
from flows.printable import printable
from flows.telemetry.logs import log

LOOPBACK = ("127.0.0.1", "localhost")


def answers(routes: Routes, open_record: Callable[[], Ledger], *, host: str = "127.0.0.1") -> FastAPI:
    """Make the app behind the links of the routes; raise `SettingsError` when they make none.

    `open_record` opens the ledger anew for each answer.
    It answers under the name that links lead to, the host that it listens on, and loopback.
    """
    if not routes.link_secrets:
        raise SettingsError("the routes have no acknowledge_secret, so no link can be checked; set one in their file")
    linked = urlsplit(routes.acknowledge_base or "").hostname

    def acknowledge(answer: Acknowledgement) -> bool:
        name = f"{answer.by} (by link)"
        try:
            with open_record() as ledger:
                ledger.acknowledge(answer.alert_id, by=name, on=utc_now().date())
                return ledger.alert(answer.alert_id).acknowledged_by == name
        except (LedgerError, SettingsError) as error:  # its words may name folders and databases of this machine
            log.warning("an answer by link was not noted: %s", printable(error))
            raise AlertsError(
                f"alert `{answer.alert_id}`: the answer could not be noted; tell the operator of the watch"
            ) from None

    hosts = (*LOOPBACK, host, *([linked] if linked else []))
    return answer_app(routes.link_secrets, acknowledge, clock=utc_now, hosts=hosts)
